//! Benches apart from the boot: each begins with the heap as new, and what one does wrong ends with it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use multios_core::memory::{FramesSnapshot, HeapUsage};

use super::machine::BarePlatform;
use super::{crash, threads};
use crate::arch::recovery::{self, Over};
use crate::arch::{keep_interrupts_out, restore_interrupts};
use crate::platform::{Apart, Offence, Platform};

/// What was there before a bench.
struct Accounts {
    frames: FramesSnapshot,
    free_frames: u64,
}

impl BarePlatform {
    /// Runs `work` as the trait says.
    ///
    /// # Panics
    /// Panics, which ends the boot, if the machine cannot be brought back to how it was.
    pub(super) fn run_apart_from_boot(&self, work: &mut dyn Apart) -> Result<(), Offence> {
        threads::set_up(self.frequency());
        let accounts = self.accounts();
        let had_interrupts = keep_interrupts_out();
        self.watch(work.time_max());
        let (outcome, over) = recovery::run(&mut || {
            restore_interrupts(had_interrupts);
            work.run();
            let _ = keep_interrupts_out();
        });
        self.stop_watching();
        let outcome = match outcome {
            Ok(()) => {
                work.keep();
                self.left_behind(&accounts).map_or(Ok(()), |what| Err(Offence::LeftBehind(what)))
            }
            Err(facts) => Err(Offence::Crashed(Box::new(crash::of_bench(&facts)))),
        };
        if outcome.is_err() {
            self.clean_up(&accounts, &over);
        }
        assert!(self.allocator().renew(&over), "the heap under test takes its memory back");
        recovery::end(over);
        restore_interrupts(had_interrupts);
        outcome
    }

    fn accounts(&self) -> Accounts {
        let frames = self.frames_of_machine().lock();
        Accounts { frames: frames.snapshot(), free_frames: frames.usage().free_frames }
    }

    /// What a bench that has returned should have given back; `None` if it has.
    fn left_behind(&self, accounts: &Accounts) -> Option<String> {
        let HeapUsage { live_bytes, live_blocks, .. } = self.allocator().heap().usage();
        let free_frames = self.frames_of_machine().lock().usage().free_frames;
        let mut parts = Vec::new();
        if live_blocks > 0 {
            parts.push(format!("{live_bytes} bytes of the heap in {live_blocks} blocks"));
        }
        match accounts.free_frames.checked_sub(free_frames) {
            Some(0) => {}
            Some(frames) => parts.push(format!("{frames} frames")),
            None => parts.push(format!("{} frames too many", free_frames - accounts.free_frames)),
        }
        parts.extend(threads::left_behind());
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Gives everything back that a bench had, whatever it was at.
    fn clean_up(&self, accounts: &Accounts, over: &Over) {
        over.stop_others();
        threads::abandon(over);
        // Before the frames that devices write to belong to others.
        self.abandon_devices(over);
        over.seize(self.frames_of_machine()).restore(&accounts.frames);
        self.seize_devices(over);
    }
}
