//! Families, samples and labels as text, by "OpenMetrics, a cloud-native, highly scalable metrics protocol", version 1.0.

use std::fmt::Write as _;

use crate::report::clean::clean;

/// What a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricKind {
    Gauge,
    Info,
    StateSet,
    Summary,
}

/// Samples of one name.
pub(super) struct Family<'a> {
    /// Its name, with its unit last.
    pub(super) name: &'a str,
    pub(super) kind: MetricKind,
    /// A base unit; empty without one.
    pub(super) unit: &'a str,
    /// One sentence.
    pub(super) help: &'a str,
}

/// Labels with their values, in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels(Vec<(&'static str, String)>);

impl Labels {
    /// These labels and one more.
    pub(super) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut labels = self.clone();
        labels.0.push((name, clean(value).into_owned()));
        labels
    }

    fn text(&self) -> String {
        let all: Vec<_> =
            self.0.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        all.join(",")
    }
}

/// An exposition on its way.
#[derive(Default)]
pub(super) struct Exposition {
    text: String,
}

impl Exposition {
    /// Adds a family with its samples: what follows the family's name, labels, value. Nothing is written of a family
    /// without samples.
    pub(super) fn add(&mut self, family: &Family<'_>, samples: Vec<(&str, Labels, f64)>) {
        if samples.is_empty() {
            return;
        }
        let Family { name, kind, unit, help } = family;
        let kind = match kind {
            MetricKind::Gauge => "gauge",
            MetricKind::Info => "info",
            MetricKind::StateSet => "stateset",
            MetricKind::Summary => "summary",
        };
        let mut text = format!("# TYPE {name} {kind}\n");
        if !unit.is_empty() {
            text.push_str(&format!("# UNIT {name} {unit}\n"));
        }
        text.push_str(&format!("# HELP {name} {}\n", escaped(help)));
        for (suffix, labels, value) in samples {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}{suffix}{{{}}} {}", labels.text(), number(value));
        }
        self.text.push_str(&text);
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.text + "# EOF\n"
    }
}

/// A backslash, a double quote and a line feed are the only characters that need an escape.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The shortest number that reads back as `value`.
fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        value if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        value if value == 0.0 || (1e-4..1e16).contains(&value.abs()) => value.to_string(),
        value => format!("{value:e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_family_is_written_with_its_metadata() {
        let mut out = Exposition::default();
        let family =
            Family { name: "a_seconds", kind: MetricKind::Gauge, unit: "seconds", help: "What \"it\" is." };
        out.add(&family, vec![("", Labels::default().with("b", "x\\\"\u{1b}"), 1.5e-9)]);
        let expected = "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds What \\\"it\\\" is.\n\
                        a_seconds{b=\"x\\\\\\\"\\\\u{1b}\"} 1.5e-9\n# EOF\n";
        assert_eq!(out.finish(), expected);
    }

    #[test]
    fn a_family_without_samples_is_left_out() {
        let mut out = Exposition::default();
        out.add(&Family { name: "a", kind: MetricKind::Gauge, unit: "", help: "A." }, Vec::new());
        assert_eq!(out.finish(), "# EOF\n");
    }

    proptest! {
        #[test]
        fn numbers_read_back(value in any::<f64>()) {
            let read: f64 = number(value).parse().expect("a number");
            prop_assert!(read == value || (read.is_nan() && value.is_nan()));
        }

        #[test]
        fn a_value_ends_at_its_own_quote(value in any::<String>()) {
            let text = Labels::default().with("a", &value).text();
            let inner = text.strip_prefix("a=\"").and_then(|text| text.strip_suffix('"')).expect("quoted");
            let mut characters = inner.chars();
            while let Some(character) = characters.next() {
                prop_assert!(character != '"' && character != '\n');
                if character == '\\' {
                    prop_assert!(matches!(characters.next(), Some('\\' | '"' | 'n')));
                }
            }
        }
    }
}
