//! The figures of the JSON document as a flat table (RFC 4180).

use std::borrow::Cow;

use serde_json::Value;

use super::clean::clean;
use super::document::{Document, DocumentBench};

/// The columns that come from a bench, named as in JSON.
const BENCH_COLUMNS: [&str; 30] = [
    "id",
    "status",
    "reason",
    "n",
    "unit",
    "min",
    "p50",
    "p90",
    "p95",
    "p99",
    "p999",
    "max",
    "mean",
    "deviation",
    "mad",
    "iterations",
    "operations",
    "bytes",
    "operations_per_second",
    "operations_per_second_peak",
    "operations_per_second_sustained",
    "bytes_per_second",
    "bytes_per_second_peak",
    "bytes_per_second_sustained",
    "checksum",
    "cold_n",
    "cold_min",
    "cold_p50",
    "cold_p90",
    "cold_max",
];

/// A line of column names, then one for each bench of each boot.
#[must_use]
pub fn csv(document: &Document) -> String {
    let mut text = names() + "\r\n";
    let mode = document.mode.map_or("", perf_kernel::wire::Mode::name);
    for boot in &document.boots {
        let end = serde_json::to_value(boot.end).map(|end| field(&end)).unwrap_or_default();
        for bench in &boot.benches {
            let cells = bench_cells(bench).join(",");
            text.push_str(&format!("{},{mode},{},{end},{cells}\r\n", document.run, boot.number));
        }
    }
    text
}

fn names() -> String {
    format!("run,mode,boot,end,{}", BENCH_COLUMNS.join(","))
}

fn bench_cells(bench: &DocumentBench) -> Vec<String> {
    let fields = serde_json::to_value(bench).unwrap_or_default();
    let of = |name: &&str| match name.strip_prefix("cold_") {
        Some(name) => fields.get("cold").and_then(|cold| cold.get(name)),
        None => fields.get(*name),
    };
    BENCH_COLUMNS.iter().map(|name| of(name).map(field).unwrap_or_default()).collect()
}

/// A value as a field: absent is empty, text is quoted where it must be (RFC 4180, section 2).
fn field(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => clean(text),
        other => Cow::Owned(other.to_string()),
    };
    if text.contains(['"', ',']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_page_for_people_has_the_names() {
        assert!(include_str!("../../../docs/json.md").lines().any(|line| line == names()));
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(field(&json!("a, \"b\"")), "\"a, \"\"b\"\"\"");
        assert_eq!(field(&json!("two\nlines\u{1b}[0m")), "two lines\\u{1b}[0m");
        assert_eq!((field(&json!(null)), field(&json!(1.5))), (String::new(), "1.5".to_owned()));
    }
}
