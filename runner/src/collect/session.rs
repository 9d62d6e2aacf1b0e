//! One collection from its source to its boots.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use perf_kernel::wire::{Command, encode_frame};

use super::classify::HowClosed;
use super::{Boot, CollectCause, CollectError, Collector, Expected, Observer, Timing};
use crate::source::{Read, Source};

/// How long a boot may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Longest time without a new record. It covers firmware and loader too, which send none.
    pub hang: Duration,
    /// Longest time from the start of the collection to the end of the boot, restarts of the machine included.
    pub boot: Duration,
    /// How often the machine may be reset, where it can be, when it is silent for too long.
    pub resets_max: u32,
}

/// The stop flag and the deadlines are looked at that often.
const SLICE: Duration = Duration::from_millis(50);

/// How long a machine that has ended its boot may take to switch itself off.
const GRACE: Duration = Duration::from_secs(2);

/// Bytes that are read, kept and parsed at a time.
const PIECE: usize = 64 * 1024;

/// Collects every boot that `source` gives, whichever run it belongs to; see [`collect_expecting`].
///
/// # Errors
/// See [`collect_expecting`].
pub fn collect(
    source: &mut dyn Source,
    transcript: &mut dyn Write,
    observer: &mut dyn Observer,
    patience: &Patience,
    stop: &AtomicBool,
) -> Result<Vec<Boot>, CollectError> {
    collect_expecting(Expected::default(), source, transcript, observer, patience, stop)
}

/// Collects every boot that `source` gives, at least one. Raw bytes go to `transcript` before they are parsed. The
/// collection ends when the source does, when the kernel has ended and everything that can be had has arrived, when
/// patience is over, or when `stop` is set; the source is stopped when this returns.
///
/// # Errors
/// The transcript cannot be written, the source breaks, or the records are not those of `expected`. The error holds
/// the boots so far.
pub fn collect_expecting(
    expected: Expected,
    source: &mut dyn Source,
    transcript: &mut dyn Write,
    observer: &mut dyn Observer,
    patience: &Patience,
    stop: &AtomicBool,
) -> Result<Vec<Boot>, CollectError> {
    let start = Instant::now();
    let ends = Ends { source, transcript, observer, patience, stop };
    run(expected, ends, &mut || start.elapsed())
}

/// What a collection stands between.
pub(super) struct Ends<'a> {
    pub(super) source: &'a mut dyn Source,
    pub(super) transcript: &'a mut dyn Write,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) patience: &'a Patience,
    pub(super) stop: &'a AtomicBool,
}

/// [`collect_expecting`] with the host's clock as an argument.
pub(super) fn run(
    expected: Expected,
    ends: Ends<'_>,
    clock: &mut dyn FnMut() -> Duration,
) -> Result<Vec<Boot>, CollectError> {
    let timing = if ends.source.is_live() { Timing::Live } else { Timing::Replayed };
    let collector = Collector::new(expected, timing, clock());
    let is_deaf = !ends.source.can_hear();
    let start = clock();
    let mut session = Session {
        collector,
        ends,
        clock,
        timing,
        start,
        is_deaf,
        settled_since: None,
        released: None,
        resets: 0,
    };
    let outcome = session.until_closed();
    session.ends.source.stop();
    let flushed = session.ends.transcript.flush().map_err(CollectCause::Transcript);
    let (how, cause) = match (outcome, flushed) {
        (Ok(how), Ok(())) => (how, None),
        (Ok(how), Err(cause)) => (how, Some(cause)),
        (Err(cause), _) => (HowClosed::Stopped(format!("the runner failed to {cause}")), Some(cause)),
    };
    let boots = session.collector.finish(&how, session.ends.observer);
    match cause {
        None => Ok(boots),
        Some(cause) => Err(CollectError { cause, boots }),
    }
}

struct Session<'a, 'b> {
    collector: Collector,
    ends: Ends<'a>,
    clock: &'b mut dyn FnMut() -> Duration,
    timing: Timing,
    start: Duration,
    /// Whether the kernel cannot hear, from the start or since a command could not be sent.
    is_deaf: bool,
    /// Since when nothing more is expected from the present boot.
    settled_since: Option<Duration>,
    /// The start whose kernel has been told that everything is here, by its number.
    released: Option<u32>,
    /// Resets that were made from here.
    resets: u32,
}

impl Session<'_, '_> {
    fn until_closed(&mut self) -> Result<HowClosed, CollectCause> {
        let mut piece = vec![0; PIECE];
        loop {
            if self.is_stopped() {
                return Ok(HowClosed::Stopped("stopped by the user".to_owned()));
            }
            match self.ends.source.read(&mut piece, SLICE)? {
                Read::Bytes(length) => self.take(piece.get(..length).unwrap_or(&piece))?,
                Read::Quiet => {}
                // Ctrl-C reaches a child process as well as this one.
                Read::Ended(_) if self.is_stopped() => {
                    return Ok(HowClosed::Stopped("stopped by the user".to_owned()));
                }
                Read::Ended(why) => return Ok(HowClosed::SourceEnded(why)),
            }
            if self.timing == Timing::Replayed {
                // A file has no time and may hold several boots: it is read to its end.
                continue;
            }
            let now = (self.clock)();
            self.ask(now);
            if let Some(how) = self.settle(now).or_else(|| self.out_of_patience(now))
                && !self.reset(&how, now)
            {
                return Ok(how);
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.ends.stop.load(Ordering::Relaxed)
    }

    /// Keeps `bytes`, then parses them unless the boot is over: a machine that starts again after it must not keep
    /// the collection from ending.
    fn take(&mut self, bytes: &[u8]) -> Result<(), CollectCause> {
        self.ends.transcript.write_all(bytes).map_err(CollectCause::Transcript)?;
        if self.settled_since.is_some() {
            return Ok(());
        }
        let now = (self.clock)();
        self.collector.push(bytes, now, self.ends.observer)
    }

    fn ask(&mut self, now: Duration) {
        if !self.is_deaf
            && let Some(command) = self.collector.request(now)
        {
            self.say(&command);
        }
    }

    /// Notices that nothing more is expected, tells the kernel, and gives the machine time to switch itself off.
    fn settle(&mut self, now: Duration) -> Option<HowClosed> {
        if let Some(since) = self.settled_since {
            return (now.saturating_sub(since) >= GRACE).then_some(HowClosed::Settled);
        }
        let is_hopeless = self.is_deaf || self.collector.is_asking_exhausted();
        let is_settled = self.collector.has_ended() && (self.collector.is_complete() || is_hopeless);
        let will_go_on = self.collector.will_go_on();
        if is_settled && self.released != Some(self.collector.starts()) {
            self.released = Some(self.collector.starts());
            if !self.is_deaf {
                self.say(&Command::Acknowledge);
            }
        }
        // What has ended may be a part only, behind which the machine starts again.
        self.settled_since = (is_settled && !will_go_on).then_some(now);
        None
    }

    /// Resets a machine that has fallen silent in the middle of a boot, if that is of use: its kernel then goes on behind
    /// the bench that ran. Whether it was reset.
    fn reset(&mut self, how: &HowClosed, now: Duration) -> bool {
        let resets_max = self.ends.patience.resets_max;
        let has_left = |resets: u32| resets.max(self.resets) < resets_max;
        let is_of_use = matches!(how, HowClosed::Quiet(_)) && self.collector.resets().is_some_and(has_left);
        // One that cannot be reset any more is as silent as before.
        if !is_of_use || !self.ends.source.reset().unwrap_or(false) {
            return false;
        }
        self.resets += 1;
        self.collector.note_reset(how.clone(), now);
        true
    }

    fn out_of_patience(&self, now: Duration) -> Option<HowClosed> {
        if self.collector.has_ended() && !self.collector.will_go_on() {
            // What is left is bounded: requests have a number of tries, the rest has its grace.
            return None;
        }
        let Patience { hang, boot, .. } = *self.ends.patience;
        if now.saturating_sub(self.start) >= boot {
            Some(HowClosed::OutOfTime(boot))
        } else if now.saturating_sub(self.collector.last_progress()) >= hang {
            Some(HowClosed::Quiet(hang))
        } else {
            None
        }
    }

    /// A kernel that cannot be told anything can still be listened to.
    fn say(&mut self, command: &Command) {
        self.is_deaf |= self.ends.source.write(&encode_frame(command)).is_err();
    }
}
