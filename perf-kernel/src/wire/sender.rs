//! The kernel's end of the wire.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use super::frame::body_of;
use super::sent::SentFrames;
use super::{
    Command, Decoder, End, EndReason, Event, FRAME_LENGTH_MAX, Frame, Level, LogLine, Manifest, Record,
    RollingHash, encode_frame,
};
use crate::units::Bytes;

/// Sent frames that a sender keeps by default.
pub const KEPT_BYTES_DEFAULT: Bytes = Bytes::from_mebibytes(8);

/// Frames that one `resend` is answered with at most; the host asks again for the rest.
pub const RESEND_FRAMES_MAX: u64 = 256;

/// Bytes from the host that one poll takes at most: a host that never stops talking must not stop the boot.
const POLLED_BYTES_MAX: usize = 4096;

/// Bytes to the host and back; every wait is bounded.
pub trait Link {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// The host or the line did not take them within the link's deadline.
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError>;

    /// The next byte from the host, if one has arrived.
    fn receive(&mut self) -> Option<u8>;
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        (**self).send(bytes)
    }

    fn receive(&mut self) -> Option<u8> {
        (**self).receive()
    }
}

impl<L: Link + ?Sized> Link for &mut L {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        (**self).send(bytes)
    }

    fn receive(&mut self) -> Option<u8> {
        (**self).receive()
    }
}

/// The link of a boot without a line to the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLink;

impl Link for NoLink {
    fn send(&mut self, _bytes: &[u8]) -> Result<(), LinkError> {
        Err(LinkError::Absent)
    }

    fn receive(&mut self) -> Option<u8> {
        None
    }
}

/// Why bytes did not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The transmitter stayed full.
    #[error("send: the transmitter stayed full")]
    TimedOut,
    /// There is no line.
    #[error("send: there is no line")]
    Absent,
}

/// Numbers records, frames them, keeps sent frames for `resend`, counts the manifest.
///
/// A link that fails loses nothing: the frame is kept and the host asks for it when it sees the gap.
pub struct Sender<L> {
    link: L,
    commands: Decoder<Command>,
    sent: SentFrames,
    records: BTreeMap<String, u64>,
    rolling_hash: RollingHash,
    link_failures: u64,
    is_acknowledged: bool,
}

impl<L: Link> Sender<L> {
    /// A sender at the start of a boot that keeps [`KEPT_BYTES_DEFAULT`] of sent frames.
    #[must_use]
    pub fn new(link: L) -> Self {
        Self::with_kept_bytes(link, KEPT_BYTES_DEFAULT)
    }

    /// A sender that drops its oldest frames when it holds more than `kept` of them.
    #[must_use]
    pub fn with_kept_bytes(link: L, kept: Bytes) -> Self {
        Self {
            link,
            commands: Decoder::for_commands(),
            sent: SentFrames::new(kept),
            records: BTreeMap::new(),
            rolling_hash: RollingHash::new(),
            link_failures: 0,
            is_acknowledged: false,
        }
    }

    /// Sends `record` as the next frame and returns its sequence number. A record too long for a frame goes without
    /// its raw samples, or is replaced by a log record that says so.
    ///
    /// # Errors
    /// What the link said. The frame has its number all the same and waits for the host to ask for it.
    pub fn send(&mut self, record: Record) -> Result<u64, LinkError> {
        let seq = self.next_seq();
        let (frame, kind) = encode_bounded(seq, record);
        self.rolling_hash.update(RollingHash::digest(body_of(&frame)));
        *self.records.entry(kind.to_string()).or_default() += 1;
        // Kept before it is sent: a crash in the link must not leave a number without its frame.
        let kept = self.sent.push(frame);
        let outcome = self.link.send(kept);
        self.note(outcome).map(|()| seq)
    }

    /// Sends text for people as a `log` record.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn log(&mut self, level: Level, text: impl Into<String>) -> Result<u64, LinkError> {
        let text = text.into().replace(['\n', '\r'], " ");
        self.send(Record::Log(LogLine { level, text }))
    }

    /// Sends `end` with the manifest of everything before it.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn end(&mut self, reason: EndReason) -> Result<u64, LinkError> {
        let manifest = Manifest { records: self.records.clone(), rolling_hash: self.rolling_hash.to_hex() };
        self.send(Record::End(End { reason, manifest }))
    }

    /// Reads what the host has sent so far and does what it asks. Takes no time if there is nothing.
    pub fn poll_commands(&mut self) {
        let mut bytes = [0; 64];
        for _ in 0..POLLED_BYTES_MAX / bytes.len() {
            let mut length = 0;
            while let Some(place) = bytes.get_mut(length) {
                let Some(byte) = self.link.receive() else { break };
                *place = byte;
                length += 1;
            }
            for event in self.commands.push(&bytes[..length]) {
                // Noise on the line from the host is no news: a command that did not arrive is repeated by the host.
                if let Event::Frame(command) = event {
                    self.obey(&command);
                }
            }
            if length < bytes.len() {
                break;
            }
        }
    }

    /// Serves the host until it has everything or `is_expired` says that the time is over; call it after
    /// [`Self::end`]. Returns whether the host has everything.
    pub fn linger(&mut self, mut is_expired: impl FnMut() -> bool) -> bool {
        while !self.is_acknowledged && !is_expired() {
            self.poll_commands();
            core::hint::spin_loop();
        }
        self.is_acknowledged
    }

    /// The sequence number of the next record.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.sent.end()
    }

    /// Frames that the link did not take.
    #[must_use]
    pub const fn link_failures(&self) -> u64 {
        self.link_failures
    }

    /// Whether the host has said that it has everything.
    #[must_use]
    pub const fn is_acknowledged(&self) -> bool {
        self.is_acknowledged
    }

    /// The link.
    pub const fn link_mut(&mut self) -> &mut L {
        &mut self.link
    }

    fn obey(&mut self, command: &Command) {
        match *command {
            Command::Acknowledge => self.is_acknowledged = true,
            Command::Resend { from, to } => self.resend(from, to),
        }
    }

    fn resend(&mut self, from: u64, to: u64) {
        let end = self.next_seq();
        if from > to || from >= end {
            let text =
                alloc::format!("resend {from} to {to}: the frames sent are 0 to {}", end.saturating_sub(1));
            // Failures are counted; nobody here can do more.
            let _ = self.log(Level::Info, text);
            return;
        }
        let last = to.min(end - 1).min(from.saturating_add(RESEND_FRAMES_MAX - 1));
        let kept_from = from.max(self.sent.start());
        if kept_from > from {
            let text = alloc::format!(
                "resend {from} to {to}: frames below {} are no longer kept",
                self.sent.start()
            );
            let _ = self.log(Level::Warning, text);
        }
        for seq in kept_from..=last {
            let Some(frame) = self.sent.get(seq) else { continue };
            let outcome = self.link.send(frame);
            if self.note(outcome).is_err() {
                break;
            }
        }
    }

    fn note(&mut self, outcome: Result<(), LinkError>) -> Result<(), LinkError> {
        if outcome.is_err() {
            self.link_failures = self.link_failures.saturating_add(1);
        }
        outcome
    }
}

/// The frame of `record`, or of what can be said of it within [`FRAME_LENGTH_MAX`], and the kind that went into it.
fn encode_bounded(seq: u64, record: Record) -> (Box<[u8]>, &'static str) {
    let encode = |frame: &Frame| (encode_frame(frame).into_boxed_slice(), frame.record.kind());
    let fits = |frame: &[u8]| body_of(frame).len() <= FRAME_LENGTH_MAX;
    let mut frame = Frame { seq, record };
    let (whole, kind) = encode(&frame);
    if fits(&whole) {
        return (whole, kind);
    }
    let length = whole.len();
    if let Record::Bench(bench) = &mut frame.record {
        bench.raw = None;
        let (shortened, kind) = encode(&frame);
        if fits(&shortened) {
            return (shortened, kind);
        }
    }
    let text = alloc::format!("a {kind} record of {length} bytes is longer than a frame and was not sent");
    encode(&Frame { seq, record: Record::Log(LogLine { level: Level::Warning, text }) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ticks;
    use crate::wire::Beacon;
    use alloc::vec::Vec;

    /// A line that a test can cut, and whose other end it holds.
    #[derive(Default)]
    struct TestLink {
        to_host: Vec<u8>,
        from_host: alloc::collections::VecDeque<u8>,
        is_cut: bool,
    }

    impl TestLink {
        fn ask(&mut self, command: &Command) {
            self.from_host.extend(encode_frame(command));
        }
    }

    impl Link for TestLink {
        fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
            if self.is_cut {
                return Err(LinkError::TimedOut);
            }
            self.to_host.extend_from_slice(bytes);
            Ok(())
        }

        fn receive(&mut self) -> Option<u8> {
            self.from_host.pop_front()
        }
    }

    fn beacon(ticks: u64) -> Record {
        Record::Beacon(Beacon { ticks: Ticks(ticks) })
    }

    fn frames(bytes: &[u8]) -> Vec<Frame> {
        let frame = |event| match event {
            Event::Frame(frame) => *frame,
            other => panic!("no frame: {other:?}"),
        };
        Decoder::new().push(bytes).into_iter().map(frame).collect()
    }

    fn sender_of(beacons: u64) -> Sender<TestLink> {
        let mut sender = Sender::new(TestLink::default());
        for ticks in 0..beacons {
            assert_eq!(sender.send(beacon(ticks)), Ok(ticks));
        }
        sender
    }

    /// What `sender` sends when the host asks for `from` to `to`.
    fn answer(sender: &mut Sender<TestLink>, from: u64, to: u64) -> Vec<Frame> {
        sender.link.to_host.clear();
        sender.link.ask(&Command::Resend { from, to });
        sender.poll_commands();
        frames(&sender.link.to_host)
    }

    #[test]
    fn records_are_numbered_from_zero() {
        let sender = sender_of(3);
        let seqs: Vec<u64> = frames(&sender.link.to_host).iter().map(|frame| frame.seq).collect();
        assert_eq!(seqs, [0, 1, 2]);
    }

    #[test]
    fn the_manifest_counts_and_hashes_what_came_before_it() {
        let mut sender = sender_of(2);
        sender.log(Level::Info, "two\nlines").expect("the line is open");
        let mut hash = RollingHash::new();
        for frame in sender.link.to_host.split_inclusive(|byte| *byte == b'\n') {
            hash.update(RollingHash::digest(body_of(frame)));
        }
        sender.end(EndReason::Done).expect("the line is open");
        let Some(Frame { seq: 3, record: Record::End(end) }) = frames(&sender.link.to_host).pop() else {
            panic!("the last frame is the end");
        };
        let records = [("beacon".to_string(), 2), ("log".to_string(), 1)];
        assert_eq!(end.manifest.records, BTreeMap::from(records));
        assert_eq!(end.manifest.rolling_hash, hash.to_hex());
    }

    #[test]
    fn frames_go_out_again_unchanged() {
        let mut sender = sender_of(5);
        let sent = frames(&sender.link.to_host);
        assert_eq!(answer(&mut sender, 1, 3), sent[1..=3]);
        assert_eq!(answer(&mut sender, 3, u64::MAX), sent[3..]);
        assert_eq!(sender.next_seq(), 5);
    }

    #[test]
    fn a_frame_that_the_line_refused_can_be_asked_for() {
        let mut sender = sender_of(1);
        sender.link.is_cut = true;
        assert_eq!(sender.send(beacon(77)), Err(LinkError::TimedOut));
        assert_eq!(sender.link_failures(), 1);
        sender.link.is_cut = false;
        assert_eq!(sender.send(beacon(78)), Ok(2));
        assert_eq!(answer(&mut sender, 1, 1), [Frame { seq: 1, record: beacon(77) }]);
    }

    #[test]
    fn ranges_that_were_never_sent_are_answered_with_a_log_record() {
        for (from, to) in [(3, 2), (4, 4), (u64::MAX, u64::MAX)] {
            let answer = answer(&mut sender_of(4), from, to);
            assert!(matches!(&answer[..], [Frame { seq: 4, record: Record::Log(_) }]), "{answer:?}");
        }
    }

    #[test]
    fn frames_beyond_the_budget_are_dropped_oldest_first_and_missed_aloud() {
        let mut sender = Sender::with_kept_bytes(TestLink::default(), Bytes(200));
        for ticks in 0..20 {
            sender.send(beacon(ticks)).expect("the line is open");
        }
        let answer = answer(&mut sender, 0, 19);
        let Some((Frame { seq: 20, record: Record::Log(line) }, kept)) = answer.split_first() else {
            panic!("the first answer is a log record: {answer:?}");
        };
        // The log record took a place of its own, so that one frame less is kept.
        assert!(line.text.contains("no longer kept"), "{}", line.text);
        assert!(!kept.is_empty() && kept.len() < 5, "{kept:?}");
        assert_eq!(kept.last().map(|frame| frame.seq), Some(19));
    }

    #[test]
    fn one_request_is_answered_with_a_bounded_number_of_frames() {
        let mut sender = sender_of(RESEND_FRAMES_MAX + 10);
        let answer = answer(&mut sender, 2, u64::MAX);
        assert_eq!(answer.len() as u64, RESEND_FRAMES_MAX);
        assert_eq!(answer[0].seq, 2);
    }

    #[test]
    fn noise_from_the_host_is_passed_over() {
        let mut sender = sender_of(2);
        sender
            .link
            .from_host
            .extend(b"\x1e\xff\x00garbage\n\x1e{\"command\":\"reboot\"} 00000000\n AT+OK\r\n\x1e");
        assert_eq!(answer(&mut sender, 0, 0).len(), 1);
        assert!(!sender.is_acknowledged());
    }

    #[test]
    fn lingering_ends_with_the_acknowledgement_or_the_time() {
        let mut sender = sender_of(1);
        let mut polls = 0;
        let is_expired = || {
            polls += 1;
            polls > 3
        };
        assert!(!sender.linger(is_expired));
        sender.link.ask(&Command::Acknowledge);
        assert!(sender.linger(|| false));
    }

    #[test]
    fn a_record_too_long_for_a_frame_loses_its_raw_samples_only() {
        let record = |raw| Record::Bench(Box::new(crate::wire::tests::bench("env/pause", raw)));
        let mut sender = Sender::new(TestLink::default());
        sender.send(record(Some(alloc::vec![u64::MAX; 300_000]))).expect("the line is open");
        assert_eq!(frames(&sender.link.to_host), [Frame { seq: 0, record: record(None) }]);
    }

    #[test]
    fn a_record_too_long_for_a_frame_is_replaced_by_a_warning() {
        let mut sender = Sender::new(TestLink::default());
        sender.log(Level::Info, "x".repeat(FRAME_LENGTH_MAX)).expect("the line is open");
        let sent = frames(&sender.link.to_host);
        assert!(
            matches!(&sent[..], [Frame { record: Record::Log(line), .. }] if line.text.contains("not sent"))
        );
    }

    #[test]
    fn a_boot_without_a_line_goes_on() {
        let mut sender: Sender<Box<dyn Link>> = Sender::new(Box::new(NoLink));
        assert_eq!(sender.send(beacon(1)), Err(LinkError::Absent));
        assert_eq!(sender.end(EndReason::Done), Err(LinkError::Absent));
        assert_eq!((sender.next_seq(), sender.link_failures()), (2, 2));
        assert!(!sender.linger(|| true));
    }
}
