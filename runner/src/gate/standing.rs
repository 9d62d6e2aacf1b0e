//! The answers of a gate.

use serde::Serialize;

use crate::exit_code;

/// What a gate answers, the gravest last: of several causes the gravest decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing costs more than it did, as far as can be told.
    Passed,
    /// Something costs less, which the baseline does not know yet.
    Improved,
    /// Something may cost more; more boots would tell.
    Suspected,
    /// Something costs more.
    Regressed,
    /// Figures are missing.
    NoData,
    /// Figures failed their own checks.
    Invalid,
    /// Only like is compared, and these are not alike.
    NotComparable,
}

impl Standing {
    /// Its exit code.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Passed => exit_code::OK,
            Self::Improved => exit_code::IMPROVED,
            Self::Suspected => exit_code::SUSPECTED,
            Self::Regressed => exit_code::REGRESSED,
            Self::NoData => exit_code::NO_DATA,
            Self::Invalid => exit_code::INVALID,
            Self::NotComparable => exit_code::NOT_COMPARABLE,
        }
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Improved => "improved",
            Self::Suspected => "suspected",
            Self::Regressed => "regressed",
            Self::NoData => "no data",
            Self::Invalid => "invalid",
            Self::NotComparable => "not comparable",
        }
    }
}
