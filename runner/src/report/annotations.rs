//! Workflow commands that GitHub shows as annotations of a job and of the lines that they name.

use super::clean::clean;
use super::concern::{Concern, in_words};
use super::table_place::table_place;
use crate::analysis::{BenchVerdict, Comparison};

/// What of `comparison` somebody should look at, a line each: `::error` for what regressed, `::warning` for what may have
/// and for what cannot be judged, `::notice` for what improved. GitHub shows only the first few of each level, so that
/// within a level the largest change comes first. Empty if there is nothing to look at.
#[must_use]
pub fn annotations(comparison: &Comparison) -> String {
    let differences = comparison.differences();
    if !differences.is_empty() {
        let fields: Vec<_> = differences
            .iter()
            .map(|difference| format!("{}: {} and {}", difference.field, difference.a, difference.b))
            .collect();
        let message = format!("{} and {} differ in {}", comparison.a, comparison.b, fields.join("; "));
        return command("warning", &[("title", "not comparable".to_owned())], &message);
    }
    let concern = |bench| Some((Concern::of(bench, &comparison.settings)?, bench));
    let mut concerns: Vec<(Concern, &BenchVerdict)> = comparison.benches.iter().filter_map(concern).collect();
    concerns.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| size(right).total_cmp(&size(left))));
    concerns.into_iter().map(|(concern, bench)| annotation(concern, bench, &comparison.a)).collect()
}

fn annotation(concern: Concern, bench: &BenchVerdict, reference: &str) -> String {
    let level = match concern {
        Concern::Regressed => "error",
        Concern::Invalid | Concern::Suspected | Concern::OneSided => "warning",
        Concern::Improved => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = table_place(&bench.id) {
        properties.push(("file", place.file.to_owned()));
        properties.push(("line", place.line.to_string()));
    }
    properties.push(("title", format!("{} {}", bench.id, concern.predicate())));
    command(level, &properties, &format!("{}; against {reference}", in_words(bench)))
}

/// How far the bench moved, on a scale on which twice and half are equally far.
fn size(bench: &BenchVerdict) -> f64 {
    bench.change.map_or(0.0, |change| change.ratio.ln().abs())
}

/// A workflow command with its line end.
pub(super) fn command(level: &str, properties: &[(&str, String)], message: &str) -> String {
    let properties: Vec<_> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    format!("::{level} {}::{}\n", properties.join(","), data(message))
}

/// Text after the `::` of a command. GitHub ends it at a line break and reads `%` as the start of an escape.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value, which ends at `,` or `:` besides.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Difference, Outcome, Verdict};
    use crate::assess::samples::assessment;
    use proptest::prelude::*;

    fn comparison() -> Comparison {
        assessment().comparison.expect("it has one")
    }

    #[test]
    fn the_most_urgent_comes_first_and_equivalent_benches_are_left_out() {
        let text = annotations(&comparison());
        let levels: Vec<_> = text.lines().map(|line| line.split(' ').next().expect("a level")).collect();
        assert_eq!(levels, ["::error", "::warning", "::notice"], "{text}");
        let first = text.lines().next().expect("three");
        assert!(first.starts_with("::error file=perf-kernel/src/suites/memory/table.rs,line="), "{first}");
        assert!(
            first.contains(",title=memory/alloc-small/16 regressed::100 ns to 103 ns; +3.4 %25,"),
            "{first}"
        );
    }

    #[test]
    fn the_largest_change_of_a_level_comes_first() {
        let mut comparison = comparison();
        let mut larger = comparison.benches[1].clone();
        larger.id = "memory/alloc-small/256".into();
        larger.change.iter_mut().for_each(|change| change.ratio = 2.0);
        comparison.benches.push(larger);
        assert!(annotations(&comparison).lines().next().expect("some").contains("alloc-small/256 regressed"));
    }

    #[test]
    fn sides_that_are_not_alike_are_one_warning() {
        let mut comparison = comparison();
        let difference =
            Difference { field: "cpu.brand".into(), a: "one, first".into(), b: "two\nlines".into() };
        comparison.outcome = Outcome::NotComparable(vec![difference]);
        comparison.benches.clear();
        let text = annotations(&comparison);
        assert_eq!(text.lines().count(), 1);
        assert!(text.starts_with("::warning title=not comparable::"), "{text}");
        assert!(text.ends_with("cpu.brand: one, first and two lines\n"), "{text}");
    }

    #[test]
    fn properties_escape_more_than_messages() {
        let expected = "::notice title=a%3A%2C%25 b::a:,%25 b\n";
        assert_eq!(command("notice", &[("title", "a:,% b".to_owned())], "a:,% b"), expected);
    }

    proptest! {
        #[test]
        fn no_text_gives_a_second_command(id in any::<String>(), reason in any::<String>(), name in any::<String>()) {
            let mut comparison = comparison();
            comparison.a = name;
            comparison.benches.truncate(1);
            comparison.benches[0] = BenchVerdict {
                id,
                reason: Some(reason),
                verdict: Verdict::Invalid,
                ..comparison.benches[0].clone()
            };
            let text = annotations(&comparison);
            prop_assert_eq!(text.lines().count(), 1);
            let (properties, _) = text["::warning ".len()..].split_once("::").expect("a command");
            prop_assert_eq!(properties.matches("title=").count(), 1 + comparison.benches[0].id.matches("title=").count());
        }
    }
}
