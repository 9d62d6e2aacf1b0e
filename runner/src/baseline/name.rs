//! Names of baselines.

use std::fmt;
use std::str::FromStr;

/// Longest name in bytes.
const LENGTH_MAX: usize = 64;

/// The name of a baseline. It never looks like a path, so that a command can take either.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaselineName(String);

/// Why text names no baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "use \"{0}\" as the name of a baseline: a name is 1 to {LENGTH_MAX} letters, digits, `-` and `_`, the first a letter or digit"
)]
pub struct BaselineNameError(String);

impl BaselineName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaselineName {
    type Err = BaselineNameError;

    fn from_str(text: &str) -> Result<Self, BaselineNameError> {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if starts_well && text.len() <= LENGTH_MAX && text.bytes().all(is_fit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BaselineNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for BaselineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_look_like_paths_or_options() {
        for text in ["main", "v1_2", "6-1", &"x".repeat(64)] {
            assert_eq!(text.parse::<BaselineName>().expect("a name").as_str(), text);
        }
        for text in ["", "a.json", "docs/a", "-x", "_x", "a b", "é", &"x".repeat(65)] {
            assert!(text.parse::<BaselineName>().is_err(), "{text}");
        }
    }
}
