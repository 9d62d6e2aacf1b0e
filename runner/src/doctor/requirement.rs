//! One thing that is needed.

use std::fmt;

/// One thing that is needed, found or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What it is, as in `QEMU`.
    pub name: &'static str,
    /// What it is needed for.
    pub purpose: &'static str,
    /// Whether it is there.
    pub state: State,
}

/// Whether something is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is; version or place, for people.
    Found(String),
    /// It is not.
    Missing {
        /// What was found instead, or why it cannot be used.
        reason: String,
        /// What to do, as a command where there is one.
        remedy: String,
    },
    /// It is not, and everything works without it.
    Absent {
        /// What was found instead, and what is used in its place.
        reason: String,
    },
}

impl Requirement {
    /// Whether something has to be done.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self.state, State::Missing { .. })
    }
}

impl fmt::Display for Requirement {
    /// One line, and for what is missing a second one with the remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, purpose, state } = self;
        match state {
            State::Found(what) => write!(f, "found    {name}: {what}"),
            State::Absent { reason } => write!(f, "absent   {name}: {reason}"),
            State::Missing { reason, remedy } => {
                write!(f, "missing  {name} ({purpose}): {reason}\n         -> {remedy}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_its_remedy() {
        let state = State::Missing { reason: "not in PATH".to_owned(), remedy: "make setup".to_owned() };
        let requirement = Requirement { name: "QEMU", purpose: "boots images", state };
        assert!(requirement.is_missing());
        assert_eq!(
            requirement.to_string(),
            "missing  QEMU (boots images): not in PATH\n         -> make setup"
        );
    }

    #[test]
    fn what_is_there_takes_one_line() {
        let requirement =
            Requirement { name: "QEMU", purpose: "boots images", state: State::Found("7.2".to_owned()) };
        assert!(!requirement.is_missing());
        assert_eq!(requirement.to_string(), "found    QEMU: 7.2");
    }
}
