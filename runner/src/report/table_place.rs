//! Where a bench stands in the sources, for reports that point at a line.

use crate::analysis::bench_of;

/// Each suite's table, by its path in the repository, with the text that this program was built with.
const TABLES: [(&str, &str, &str); 8] = [
    table(
        "env",
        "perf-kernel/src/suites/env/table.rs",
        include_str!("../../../perf-kernel/src/suites/env/table.rs"),
    ),
    table(
        "kernel",
        "perf-kernel/src/suites/kernel/table.rs",
        include_str!("../../../perf-kernel/src/suites/kernel/table.rs"),
    ),
    table(
        "admin",
        "perf-kernel/src/suites/admin.rs",
        include_str!("../../../perf-kernel/src/suites/admin.rs"),
    ),
    table(
        "security",
        "perf-kernel/src/suites/security/table.rs",
        include_str!("../../../perf-kernel/src/suites/security/table.rs"),
    ),
    table(
        "update",
        "perf-kernel/src/suites/update.rs",
        include_str!("../../../perf-kernel/src/suites/update.rs"),
    ),
    table(
        "monitor",
        "perf-kernel/src/suites/monitor.rs",
        include_str!("../../../perf-kernel/src/suites/monitor.rs"),
    ),
    table(
        "concurrent",
        "perf-kernel/src/suites/concurrent.rs",
        include_str!("../../../perf-kernel/src/suites/concurrent.rs"),
    ),
    table(
        "memory",
        "perf-kernel/src/suites/memory/table.rs",
        include_str!("../../../perf-kernel/src/suites/memory/table.rs"),
    ),
];

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Path from the root of the repository.
    pub(super) file: &'static str,
    /// Line, from 1.
    pub(super) line: usize,
}

/// The table entry of the bench `id`, with or without its scale, or of the bench whose cold figures have that key; `None` if the tables of this version do not have it.
pub(super) fn table_place(id: &str) -> Option<Place> {
    let mut parts = bench_of(id).split('/');
    let (suite, subject) = (parts.next()?, parts.next()?);
    let &(_, file, text) = TABLES.iter().find(|(name, ..)| *name == suite)?;
    let entry = format!("\"{suite}/{subject}\"");
    let line = text.lines().position(|line| line.contains(&entry))? + 1;
    Some(Place { file, line })
}

const fn table(
    suite: &'static str,
    file: &'static str,
    text: &'static str,
) -> (&'static str, &'static str, &'static str) {
    (suite, file, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use perf_kernel::suites::SUITES;

    #[test]
    fn every_bench_of_the_catalogue_has_a_line_that_exists() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for bench in SUITES.iter().flat_map(|suite| suite.benches) {
            let place = table_place(bench.id).unwrap_or_else(|| panic!("{} has no place", bench.id));
            let text = std::fs::read_to_string(root.join(place.file)).expect("the table is there");
            let line = text.lines().nth(place.line - 1).expect("the line is there");
            assert!(line.contains(&format!("\"{}\"", bench.id)), "{}: {line}", bench.id);
        }
    }

    #[test]
    fn a_scale_does_not_matter_and_an_unknown_bench_has_no_place() {
        assert_eq!(table_place("memory/alloc-small/64"), table_place("memory/alloc-small"));
        assert_eq!(table_place("memory/never-was"), None);
        assert_eq!(table_place("memory"), None);
    }
}
