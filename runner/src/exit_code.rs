//! What the exit code of `multios-perf` tells a script. `docs/exit-codes.md` is the page for people.

use crate::collect::BootEnd;

/// Everything asked for was done; every bench was measured or skipped.
pub const OK: u8 = 0;
/// A fault of the runner itself, or of the system under it, that has no code of its own.
pub const INTERNAL: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// qemu.toml, a plan or another file that the user writes is wrong.
pub const CONFIGURATION: u8 = 3;
/// A program, image or file that is needed is not there.
pub const MISSING: u8 = 4;
/// The plan ran to its end; at least one bench failed or is invalid.
pub const FAILED_BENCHES: u8 = 5;
/// The kernel ended in an exception or a panic.
pub const CRASHED: u8 = 6;
/// The kernel fell silent while its machine was on.
pub const HUNG: u8 = 7;
/// The bytes ended before the kernel said that it was done.
pub const POWER_LOST: u8 = 8;
/// The kernel did not understand the plan.
pub const REFUSED: u8 = 9;
/// A comparison found a difference.
pub const DIFFERENT: u8 = 10;
/// The two sides of a comparison are not alike enough to be compared.
pub const NOT_COMPARABLE: u8 = 11;
/// The database was written by a newer version.
pub const DATABASE_NEWER: u8 = 12;
/// Another program kept the database locked.
pub const DATABASE_BUSY: u8 = 13;
/// The database file is damaged or belongs to another program.
pub const DATABASE_UNUSABLE: u8 = 14;
/// A disk is full, or a file may not grow.
pub const DISK_FULL: u8 = 15;
/// QEMU, a process or a file broke in a way that is not the end of a boot.
pub const SOURCE_BROKE: u8 = 16;
/// No stored run has that name.
pub const NO_SUCH_RUN: u8 = 17;
/// A gate found a bench that regressed.
pub const REGRESSED: u8 = 18;
/// A gate suspects a regression that more boots would decide.
pub const SUSPECTED: u8 = 19;
/// A gate found benches that improved, and none that regressed: pin a new baseline.
pub const IMPROVED: u8 = 20;
/// A gate has nothing to judge, or lacks figures that the baseline has.
pub const NO_DATA: u8 = 21;
/// A gate was given figures that failed their own checks.
pub const INVALID: u8 = 22;
/// The user stopped the run (128 + SIGINT, as shells count).
pub const INTERRUPTED: u8 = 130;

/// The code for a boot that ended in `end`.
#[must_use]
pub const fn of_end(end: BootEnd) -> u8 {
    match end {
        BootEnd::Done => OK,
        BootEnd::FailedBenches => FAILED_BENCHES,
        BootEnd::Crashed => CRASHED,
        BootEnd::Hung => HUNG,
        BootEnd::PowerLost => POWER_LOST,
        BootEnd::Refused => REFUSED,
        BootEnd::Interrupted => INTERRUPTED,
    }
}

/// The code for boots that ended in `ends`: that of the worst. [`OK`] if there are none.
#[must_use]
pub fn of_ends(ends: impl IntoIterator<Item = BootEnd>) -> u8 {
    ends.into_iter().max_by_key(|end| gravity(*end)).map_or(OK, of_end)
}

const fn gravity(end: BootEnd) -> u8 {
    match end {
        BootEnd::Done => 0,
        BootEnd::FailedBenches => 1,
        BootEnd::Refused => 2,
        BootEnd::PowerLost => 3,
        BootEnd::Hung => 4,
        BootEnd::Crashed => 5,
        BootEnd::Interrupted => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_boot_decides() {
        assert_eq!(of_ends([BootEnd::Done, BootEnd::Hung, BootEnd::FailedBenches]), HUNG);
        assert_eq!(of_ends([BootEnd::Crashed, BootEnd::PowerLost]), CRASHED);
        assert_eq!(of_ends([]), OK);
    }

    #[test]
    fn every_code_is_on_the_page_for_people() {
        let page = include_str!("../../docs/exit-codes.md");
        for code in (OK..=INVALID).chain([INTERRUPTED]) {
            assert!(page.contains(&format!("| {code} |")), "docs/exit-codes.md lacks {code}");
        }
    }
}
