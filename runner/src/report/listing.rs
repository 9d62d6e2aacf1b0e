//! Lists: of benches and of stored runs.

use perf_kernel::plan::{Plan, ScaleChoice};
use perf_kernel::suites::{SUITES, Selected, select};
use serde::Serialize;

use super::clean::clean;
use super::grid::{Align, Cell, Grid};
use super::header::end_name;
use super::style::{Palette, Style};
use crate::collect::BootEnd;
use crate::store::RunLine;

/// A bench at a scale, as `list --json` has it: the contract that `docs/json.md` describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListEntry {
    /// Bench id with its scale, as results carry it.
    pub id: String,
    /// The suite.
    pub suite: &'static str,
    /// The scale; `None` for a bench without scales.
    pub scale: Option<&'static str>,
    /// The target as the catalogue writes it; `None` without one at this scale.
    pub limit: Option<String>,
    /// What the machine must offer.
    pub needs: Vec<&'static str>,
    /// Whether the image can run it.
    pub built: bool,
}

/// Every bench at every scale, in the order in which they run.
#[must_use]
pub fn entries() -> Vec<ListEntry> {
    let everything = Plan { scales: ScaleChoice::All, ..Plan::quick() };
    select(&everything).unwrap_or_default().iter().map(entry).collect()
}

fn entry(selected: &Selected) -> ListEntry {
    let limits: Vec<String> = selected.limits().map(ToString::to_string).collect();
    let mut needs: Vec<_> = selected.suite.needs.iter().chain(selected.bench.needs).collect();
    needs.sort_unstable();
    needs.dedup();
    ListEntry {
        id: selected.id(),
        suite: selected.suite.name,
        scale: selected.scale.map(|scale| scale.name),
        limit: (!limits.is_empty()).then(|| limits.join(", ")),
        needs: needs.into_iter().map(|need| need.name()).collect(),
        built: selected.bench.is_built(),
    }
}

/// The list of benches for people.
#[must_use]
pub fn listing(palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("bench", Align::Left),
        ("scales", Align::Left),
        ("limit", Align::Left),
        ("needs", Align::Left),
        ("", Align::Left),
    ]);
    for suite in SUITES {
        grid.add_blank();
        grid.add_across(vec![Cell::new(Style::Heading, format!("{}  {}", suite.name, suite.about))]);
        for bench in suite.benches {
            let style = if bench.is_built() { Style::Plain } else { Style::Dim };
            let scales: Vec<_> = bench.scales.iter().map(|scale| scale.name).collect();
            let limits = bench.limits.unwrap_or(suite.limits).iter().map(ToString::to_string);
            let needs = suite.needs.iter().chain(bench.needs).map(|need| need.name());
            grid.add(vec![
                Cell::new(style, format!("  {}", bench.id)),
                Cell::new(style, scales.join(" ")),
                Cell::new(style, limits.collect::<Vec<_>>().join(", ")),
                Cell::new(style, needs.collect::<Vec<_>>().join(" ")),
                Cell::new(style, if bench.is_built() { "" } else { "not built yet" }),
            ]);
        }
    }
    let entries = entries();
    let built = entries.iter().filter(|entry| entry.built).count();
    let total = format!("\n{} benches at all scales, {built} of them built\n", entries.len());
    grid.render(palette, None, &[]) + &total
}

/// The list of stored runs for people, newest first.
#[must_use]
pub fn run_lines(runs: &[RunLine], palette: Palette) -> String {
    if runs.is_empty() {
        return "no runs are stored yet: `multios-perf run` makes one\n".to_owned();
    }
    let mut grid = Grid::new(&[
        ("run", Align::Left),
        ("started", Align::Left),
        ("made by", Align::Left),
        ("mode", Align::Left),
        ("measured", Align::Right),
        ("boots", Align::Left),
    ]);
    for line in runs {
        let profile = line.head.profile.as_ref().map(|profile| format!(" {profile}")).unwrap_or_default();
        let is_good = line.ends.iter().all(|end| *end == BootEnd::Done);
        grid.add(vec![
            Cell::new(Style::Bold, clean(&line.head.id)),
            Cell::from(line.head.started.to_string()),
            Cell::from(clean(&format!("{}{profile}", line.head.command)).into_owned()),
            Cell::from(clean(line.mode.as_deref().unwrap_or("")).into_owned()),
            Cell::from(line.measured.to_string()),
            Cell::new(if is_good { Style::Good } else { Style::Bad }, ends(&line.ends)),
        ]);
    }
    grid.render(palette, None, &[])
}

/// How boots ended, each end with its number.
fn ends(ends: &[BootEnd]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for name in ends.iter().map(|end| end_name(*end)) {
        match counted.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => *times += 1,
            None => counted.push((name, 1)),
        }
    }
    counted.iter().map(|(name, times)| format!("{times} {name}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_many_boots_are_counted() {
        let told = [BootEnd::Done, BootEnd::Crashed, BootEnd::Done];
        assert_eq!(ends(&told), "2 done, 1 crashed");
    }

    #[test]
    fn the_list_has_one_entry_for_each_id_and_scale() {
        let entries = entries();
        let small =
            entries.iter().find(|entry| entry.id == "memory/alloc-small/64").expect("in the catalogue");
        assert_eq!((small.suite, small.scale), ("memory", Some("64")));
        assert_eq!(small.limit.as_deref(), Some("p99 <= 1 us"));
        let ids: std::collections::HashSet<_> = entries.iter().map(|entry| &entry.id).collect();
        assert_eq!(ids.len(), entries.len());
    }

    #[test]
    fn needs_are_those_of_the_suite_and_of_the_bench() {
        let entries = entries();
        let ipi = entries.iter().find(|entry| entry.id == "kernel/ipi-roundtrip").expect("in the catalogue");
        assert_eq!(ipi.needs, ["ring0", "smp"]);
    }
}
