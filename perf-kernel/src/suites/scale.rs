//! Sizes at which a bench runs.

use core::fmt;

/// A size with the name that ids carry: `16ki` is 16,384, `10k` is 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// As written in the catalogue and in ids.
    pub name: &'static str,
    /// The number that the name stands for.
    pub value: u64,
}

impl Scale {
    /// Reads decimal digits with an optional `k`, `m`, `ki` or `mi`.
    ///
    /// # Panics
    /// Panics, in a table at compile time, if `name` is anything else or does not fit.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let text = name.as_bytes();
        let mut value: u64 = 0;
        let mut at = 0;
        while at < text.len() && text[at].is_ascii_digit() {
            value = value * 10 + (text[at] - b'0') as u64;
            at += 1;
        }
        assert!(at > 0, "a scale starts with a digit");
        let unit = match text.len() - at {
            0 => 1,
            1 if text[at] == b'k' => 1_000,
            1 if text[at] == b'm' => 1_000_000,
            2 if text[at] == b'k' && text[at + 1] == b'i' => 1 << 10,
            2 if text[at] == b'm' && text[at + 1] == b'i' => 1 << 20,
            _ => panic!("a scale ends in k, m, ki or mi"),
        };
        Self { name, value: value * unit }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The scales of a table entry: `scales!["64", "16ki"]`.
macro_rules! scales {
    ($($name:literal),* $(,)?) => { const { &[$($crate::suites::Scale::new($name)),*] } };
}
pub(crate) use scales;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_names_become_numbers() {
        let values = ["0", "64", "10k", "16ki", "1mi", "2m"].map(|name| Scale::new(name).value);
        assert_eq!(values, [0, 64, 10_000, 16_384, 1_048_576, 2_000_000]);
    }

    #[test]
    #[should_panic(expected = "ends in k, m, ki or mi")]
    fn unknown_scale_units_are_refused() {
        let _ = Scale::new("16gi");
    }
}
