//! How users name stored runs: `last`, `last~1`, `3f2a`, `3f2a:2`.

use std::fmt;
use std::str::FromStr;

/// A stored run, or one boot of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The run.
    pub run: RunName,
    /// The boot's place in it, from 1; `None` for all boots.
    pub boot: Option<u32>,
}

/// A stored run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunName {
    /// The newest run, or that many before it.
    Last(u32),
    /// The run whose id begins so.
    Prefix(String),
}

/// Why text names no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" names no run: write `last`, `last~1`, or the first digits of a run id, then perhaps `:` and the number of a boot"
)]
pub struct SelectorError(String);

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let wrong = || SelectorError(text.to_owned());
        let (run, boot) = match text.split_once(':') {
            None => (text, None),
            Some((run, boot)) => {
                let boot = boot.parse().ok().filter(|number: &u32| *number > 0);
                (run, Some(boot.ok_or_else(wrong)?))
            }
        };
        let name = if run == "last" {
            RunName::Last(0)
        } else if let Some(back) = run.strip_prefix("last~") {
            RunName::Last(back.parse().map_err(|_| wrong())?)
        } else if !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            RunName::Prefix(run.to_ascii_lowercase())
        } else {
            return Err(wrong());
        };
        Ok(Self { run: name, boot })
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last(0) => f.write_str("last"),
            Self::Last(back) => write!(f, "last~{back}"),
            Self::Prefix(prefix) => f.write_str(prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runs_and_boots_are_read() {
        let read = |text: &str| text.parse::<Selector>().expect("it is a name");
        assert_eq!(read("last"), Selector { run: RunName::Last(0), boot: None });
        assert_eq!(read("last~3:2"), Selector { run: RunName::Last(3), boot: Some(2) });
        assert_eq!(read("3F2a"), Selector { run: RunName::Prefix("3f2a".into()), boot: None });
    }

    #[test]
    fn other_words_are_refused() {
        for text in ["", "latest", "last~", "last~x", "3f2a:", "3f2a:0", "3f2a:-1", ":1"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
