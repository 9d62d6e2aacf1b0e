//! What a boot has told so far.

use std::time::Duration;

use perf_kernel::wire::{BenchRecord, Clock, Crash, End, Hello, LogLine, Machine, Record, Refused, Start};

use crate::analysis::Figures;
use crate::collect::{Boot, CollectCause, Collector, Damage, Expected, Silent, Timing, goes_on_with};

/// Newest log lines that are shown.
const LOG_LINES_MAX: usize = 200;

/// Reads a transcript as it grows and knows what its newest boot has told so far. It takes frames for what a collection
/// would take them, since it is the same machine that sorts them.
pub struct Follower {
    collector: Collector,
    trouble: Option<CollectCause>,
}

impl Default for Follower {
    fn default() -> Self {
        Self::new()
    }
}

impl Follower {
    /// A follower at the start of a transcript.
    #[must_use]
    pub fn new() -> Self {
        let collector = Collector::new(Expected::default(), Timing::Replayed, Duration::ZERO);
        Self { collector, trouble: None }
    }

    /// Takes the next bytes of the transcript, whatever they are. After [`Follower::trouble`] nothing more is taken.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.trouble.is_none() {
            self.trouble = self.collector.push(bytes, Duration::ZERO, &mut Silent).err();
        }
    }

    /// Why the rest of the transcript is not understood: a newer version wrote it.
    #[must_use]
    pub const fn trouble(&self) -> Option<&CollectCause> {
        self.trouble.as_ref()
    }

    /// Boots of this transcript that are over: a machine may start again by itself. What the other functions tell is
    /// about the boot after them.
    #[must_use]
    pub fn boots_before(&self) -> &[Boot] {
        let closed = self.collector.closed();
        match closed.split_last() {
            Some((_, before)) if self.part_before().is_some() => before,
            _ => closed,
        }
    }

    /// What the same boot told before the machine was reset.
    fn part_before(&self) -> Option<&Boot> {
        let hello = self.hello()?;
        self.collector.closed().last().filter(|part| goes_on_with(part, hello))
    }

    /// The first record.
    #[must_use]
    pub fn hello(&self) -> Option<&Hello> {
        self.find(|record| if let Record::Hello(hello) = record { Some(hello) } else { None })
    }

    /// What the boot runs on.
    #[must_use]
    pub fn machine(&self) -> Option<&Machine> {
        self.find(|record| if let Record::Machine(machine) = record { Some(machine) } else { None })
    }

    /// How its ticks become time.
    #[must_use]
    pub fn clock(&self) -> Option<&Clock> {
        self.find(|record| if let Record::Clock(clock) = record { Some(clock) } else { None })
    }

    /// Benches that it is to run, skipped ones included.
    #[must_use]
    pub fn benches_planned(&self) -> Option<u32> {
        self.hello().map(|hello| hello.benches_planned)
    }

    /// The benches that have ended, in the order in which they ran.
    pub fn benches(&self) -> impl DoubleEndedIterator<Item = &BenchRecord> {
        let before = self.part_before().map_or(&[][..], |part| &part.benches);
        before.iter().chain(self.collector.records().filter_map(|record| match record {
            Record::Bench(bench) => Some(&**bench),
            _ => None,
        }))
    }

    /// The bench that has started and not ended.
    #[must_use]
    pub fn running(&self) -> Option<&Start> {
        let mut running = None;
        for record in self.collector.records() {
            match record {
                Record::Start(start) => running = Some(start),
                Record::Bench(bench) => drop(running.take_if(|start: &mut &Start| start.id == bench.id)),
                _ => {}
            }
        }
        running
    }

    /// The figures of a bench of this boot, for one iteration; `None` if it has none or its clock is not known yet.
    #[must_use]
    pub fn figures(&self, record: &BenchRecord) -> Option<Figures> {
        Figures::of(record, self.clock()?)
    }

    /// The newest lines for people, oldest first, and how many there were before them.
    #[must_use]
    pub fn log(&self) -> (&[LogLine], usize) {
        let lines = self.collector.log();
        let before = lines.len().saturating_sub(LOG_LINES_MAX);
        (lines.get(before..).unwrap_or_default(), before)
    }

    /// The exception or panic that ended the boot.
    #[must_use]
    pub fn crash(&self) -> Option<&Crash> {
        self.find(|record| if let Record::Crash(crash) = record { Some(&**crash) } else { None })
    }

    /// Why the kernel would not run the plan.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        self.find(|record| if let Record::Refused(refused) = record { Some(refused) } else { None })
    }

    /// The last record; gaps before it may still be filled.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.find(|record| if let Record::End(end) = record { Some(end) } else { None })
    }

    /// What the line did to the boot so far.
    #[must_use]
    pub fn damage(&self) -> Damage {
        self.collector.damage()
    }

    fn find<'a, T>(&'a self, choose: impl FnMut(&'a Record) -> Option<T>) -> Option<T> {
        self.collector.records().find_map(choose)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use perf_kernel::wire::{EndReason, Frame, Level, Link, LinkError, Mode, Sender, Status, encode_frame};
    use proptest::prelude::*;

    use super::*;
    use crate::collect::{Patience, collect};
    use crate::samples;
    use crate::source::{Read, Source, SourceError};

    struct Pipe(Vec<u8>);

    impl Link for &mut Pipe {
        fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }

        fn receive(&mut self) -> Option<u8> {
            None
        }
    }

    /// Firmware text, a boot of three benches with a line between them, and an end.
    fn transcript(entry_ticks: u64) -> Vec<u8> {
        let mut hello = samples::hello("0123456789abcdef", 3);
        hello.entry_ticks.0 = entry_ticks;
        let mut pipe = Pipe(b"SeaBIOS\r\n".to_vec());
        let mut sender = Sender::new(&mut pipe);
        let mut records = vec![
            Record::Hello(hello),
            Record::Machine(samples::machine()),
            Record::Clock(samples::clock(Mode::Tcg)),
        ];
        let mut failed = samples::skipped("env/l1-load", "wrong");
        failed.status = Status::Failed;
        let benches =
            [samples::bench("env/pause", 90, 1), failed, samples::bench("memory/alloc-small/64", 4_000, 64)];
        for (index, bench) in (0..).zip(benches) {
            records.push(Record::Start(Start { id: bench.id.clone(), index, total: 3 }));
            records.push(Record::Log(LogLine { level: Level::Info, text: format!("before {}", bench.id) }));
            records.push(Record::Bench(Box::new(bench)));
        }
        for record in records {
            sender.send(record).expect("a pipe takes all");
        }
        sender.end(EndReason::FailedBenches).expect("a pipe takes all");
        drop(sender);
        pipe.0
    }

    struct Kept<'a>(&'a [u8]);

    impl Source for Kept<'_> {
        fn read(&mut self, buffer: &mut [u8], _patience: Duration) -> Result<Read, SourceError> {
            let length = self.0.len().min(buffer.len());
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(if length == 0 { Read::Ended(String::new()) } else { Read::Bytes(length) })
        }

        fn write(&mut self, _bytes: &[u8]) -> Result<(), SourceError> {
            Ok(())
        }

        fn can_hear(&self) -> bool {
            false
        }

        fn is_live(&self) -> bool {
            false
        }

        fn stop(&mut self) {}
    }

    fn collected(bytes: &[u8]) -> Vec<Boot> {
        let patience = Patience { hang: Duration::MAX, boot: Duration::MAX, resets_max: 0 };
        let stop = AtomicBool::new(false);
        collect(&mut Kept(bytes), &mut std::io::sink(), &mut Silent, &patience, &stop).expect("a transcript")
    }

    fn followed(bytes: &[u8]) -> Follower {
        let mut follower = Follower::new();
        follower.push(bytes);
        follower
    }

    /// Everything that only grows.
    fn progress(follower: &Follower) -> [usize; 6] {
        [
            follower.benches().count(),
            follower.log().0.len() + follower.log().1,
            usize::from(follower.hello().is_some()),
            usize::from(follower.machine().is_some()),
            usize::from(follower.clock().is_some()),
            usize::from(follower.end().is_some()),
        ]
    }

    #[test]
    fn what_is_known_only_grows_and_ends_as_the_collected_boot() {
        let bytes = transcript(1);
        let mut growing = Follower::new();
        let mut before = progress(&growing);
        for (place, byte) in bytes.iter().enumerate() {
            growing.push(std::slice::from_ref(byte));
            let cut = followed(bytes.get(..=place).expect("within"));
            assert_eq!(
                progress(&growing),
                progress(&cut),
                "the size of pieces makes no difference at {place}"
            );
            assert!(before.iter().zip(progress(&growing)).all(|(before, now)| *before <= now), "at {place}");
            assert!(growing.benches().eq(cut.benches()));
            assert_eq!(growing.running(), cut.running());
            before = progress(&growing);
        }
        let boot = collected(&bytes).pop().expect("one");
        assert!(growing.benches().eq(&boot.benches));
        assert_eq!((growing.hello(), growing.clock()), (boot.hello.as_ref(), boot.clock.as_ref()));
        assert_eq!(growing.log().0, boot.log);
        assert_eq!((growing.running(), growing.benches_planned()), (None, Some(3)));
        assert_eq!(growing.end().map(|end| end.reason), Some(EndReason::FailedBenches));
        assert_eq!(growing.damage(), boot.damage);
    }

    #[test]
    fn the_bench_that_runs_is_named_until_it_ends() {
        let bytes = transcript(1);
        let mut follower = Follower::new();
        let mut named = Vec::new();
        for byte in bytes {
            follower.push(&[byte]);
            let running = follower.running().map(|start| start.id.clone());
            if named.last() != Some(&running) {
                named.push(running);
            }
        }
        let named: Vec<_> = named.iter().map(|id| id.as_deref().unwrap_or("-")).collect();
        assert_eq!(named, ["-", "env/pause", "-", "env/l1-load", "-", "memory/alloc-small/64", "-"]);
    }

    #[test]
    fn figures_need_only_the_clock() {
        let follower = followed(&transcript(1));
        let record = follower.benches().next().expect("three");
        assert!((follower.figures(record).expect("measured").p50 - 45.0).abs() < 1e-9);
    }

    #[test]
    fn a_machine_that_starts_again_is_another_boot() {
        let first = transcript(1);
        let cut = first.len() * 2 / 3;
        let bytes = [&first[..cut], b"\n", &transcript(2)[..]].concat();
        let follower = followed(&bytes);
        let boots = collected(&bytes);
        assert_eq!((boots.len(), follower.boots_before().len()), (2, 1));
        assert_eq!(follower.boots_before()[0], boots[0]);
        assert!(follower.benches().eq(&boots[1].benches));
    }

    #[test]
    fn of_a_long_log_the_newest_lines_are_shown() {
        let lines: String = (0..1_000).map(|line| format!("line {line}\n")).collect();
        let follower = followed(lines.as_bytes());
        let (shown, before) = follower.log();
        assert_eq!((shown.len(), before), (LOG_LINES_MAX, 800));
        assert_eq!(shown.last().map(|line| line.text.as_str()), Some("line 999"));
    }

    #[test]
    fn a_newer_format_is_told_and_what_was_known_stays() {
        let mut hello = samples::hello("n", 3);
        hello.format_version += 1;
        let mut follower = followed(b"SeaBIOS\n");
        follower.push(&encode_frame(&Frame { seq: 0, record: Record::Hello(hello) }));
        follower.push(&transcript(1));
        assert!(matches!(follower.trouble(), Some(CollectCause::NewerFormat { .. })));
        assert_eq!(follower.log().0.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            noise in prop::collection::vec(any::<u8>(), 0..400), at in 0_usize..4_000, cut in 0_usize..4_000,
        ) {
            let mut bytes = transcript(1);
            let at = at.min(bytes.len());
            let end = at.saturating_add(cut % 50).min(bytes.len());
            bytes.splice(at..end, noise);
            let follower = followed(&bytes);
            let boots = collected(&bytes);
            let last = boots.last().expect("at least one");
            prop_assert!(follower.benches().eq(&last.benches));
            prop_assert!(follower.damage().frames_damaged <= last.damage.frames_damaged);
            let _ = (follower.running(), follower.log(), follower.end(), follower.crash(), follower.refused());
        }
    }
}
