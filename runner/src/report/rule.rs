//! What a run can be found wrong with, as reports for machines name it.

use super::concern::Concern;

/// A reason to report a bench or a boot. Its name is a contract: tools keep what they know about a result under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The verdict is `regressed`.
    Regressed,
    /// It may have regressed.
    Suspected,
    /// The verdict is `improved`.
    Improved,
    /// Figures failed their own checks.
    Invalid,
    /// Only one side of the comparison has a figure.
    OneSided,
    /// A bench gave a wrong result or an error.
    BenchFailed,
    /// A target of the catalogue was missed.
    TargetMissed,
    /// A boot did not come to its end.
    BootEnded,
    /// The history shows something that nobody has explained.
    Finding,
    /// The cost of a bench grows with its scale by another law than before.
    GrowthChanged,
}

/// How urgent a result is, in the words of SARIF 2.1.0 (section 3.27.10).
pub(super) const ERROR: &str = "error";
/// See [`ERROR`].
pub(super) const WARNING: &str = "warning";
/// See [`ERROR`].
pub(super) const NOTE: &str = "note";

impl Rule {
    /// All, in the order in which a report lists them.
    pub(super) const ALL: [Self; 10] = [
        Self::Regressed,
        Self::Suspected,
        Self::Improved,
        Self::Invalid,
        Self::OneSided,
        Self::BenchFailed,
        Self::TargetMissed,
        Self::BootEnded,
        Self::Finding,
        Self::GrowthChanged,
    ];

    /// Its name.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Suspected => "suspected",
            Self::Improved => "improved",
            Self::Invalid => "invalid",
            Self::OneSided => "one-sided",
            Self::BenchFailed => "bench-failed",
            Self::TargetMissed => "target-missed",
            Self::BootEnded => "boot-ended",
            Self::Finding => "finding",
            Self::GrowthChanged => "growth-changed",
        }
    }

    /// How urgent it is unless a result says otherwise.
    pub(super) const fn level(self) -> &'static str {
        match self {
            Self::Regressed | Self::BenchFailed | Self::TargetMissed | Self::BootEnded => ERROR,
            Self::Suspected | Self::Invalid | Self::OneSided | Self::Finding | Self::GrowthChanged => WARNING,
            Self::Improved => NOTE,
        }
    }

    /// What it means, one sentence.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Regressed => {
                "The bench costs more than before, by more than matters, and chance does not explain it."
            }
            Self::Suspected => "The bench may cost more than before; more boots would decide.",
            Self::Improved => {
                "The bench costs less than before, by more than matters, and chance does not explain it."
            }
            Self::Invalid => "A figure failed its own checks, so that nothing can be said of the bench.",
            Self::OneSided => "Only one side of the comparison has a figure of the bench.",
            Self::BenchFailed => "The bench gave a wrong result or an error, and has no timing.",
            Self::TargetMissed => "A figure is on the wrong side of a target of the catalogue.",
            Self::BootEnded => "A boot did not come to the end of its plan.",
            Self::Finding => "The history of the bench shows a change.",
            Self::GrowthChanged => "The cost of the bench grows with its scale by another law than before.",
        }
    }

    /// What to do about it, one sentence or two.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Regressed => {
                "Look at what changed between the two images; `multios-perf bisect` narrows it down."
            }
            Self::Suspected => "Boot again with as many boots as the message says.",
            Self::Improved => "Pin a new baseline, so that the gain is kept.",
            Self::Invalid => "Look at the checks that the message names, then measure again.",
            Self::OneSided => "Look why the bench did not run on the other side.",
            Self::BenchFailed => {
                "Correct what the bench calls; its figures mean nothing until its result is right."
            }
            Self::TargetMissed => "Look at the distribution of the bench in the report for people.",
            Self::BootEnded => {
                "Look at the end of the transcript; a crash has registers and backtrace there."
            }
            Self::Finding => "Find its cause, or say why it may stay with `multios-perf findings`.",
            Self::GrowthChanged => "Look at the largest scales first: there the algorithm shows.",
        }
    }

    /// Whether it says that nothing could be judged, rather than that something was judged and found wanting.
    pub(super) const fn is_error(self) -> bool {
        matches!(self, Self::Invalid | Self::BootEnded)
    }
}

impl From<Concern> for Rule {
    fn from(concern: Concern) -> Self {
        match concern {
            Concern::Regressed => Self::Regressed,
            Concern::Invalid => Self::Invalid,
            Concern::Suspected => Self::Suspected,
            Concern::OneSided => Self::OneSided,
            Concern::Improved => Self::Improved,
        }
    }
}
