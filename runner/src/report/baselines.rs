//! Baselines for people.

use perf_kernel::wire::Status;

use super::clean::clean;
use super::concern::signed_share;
use super::grid::{Align, Cell, Grid};
use super::quantity::figure;
use super::style::{Palette, Style};
use crate::analysis::{FigureUnit, Side, median};
use crate::baseline::{Baseline, BaselineKind, Creep};

/// A line for each of `baselines`, in their order.
#[must_use]
pub fn baseline_lines(baselines: &[Baseline], palette: Palette) -> String {
    if baselines.is_empty() {
        return "no baselines are stored yet: `multios-perf baseline pin NAME` makes one of the last run\n"
            .to_owned();
    }
    let mut grid = Grid::new(&[
        ("name", Align::Left),
        ("machine", Align::Left),
        ("mode", Align::Left),
        ("kind", Align::Left),
        ("boots", Align::Right),
        ("of run", Align::Left),
        ("set", Align::Left),
        ("", Align::Left),
    ]);
    for baseline in baselines {
        let (boots, run) = match &baseline.kind {
            BaselineKind::Pinned(document) => (document.boots.len().to_string(), document.run.as_str()),
            BaselineKind::Rolling { boots } => (format!("newest {boots}"), ""),
        };
        let mode = baseline.fingerprint.0.get("mode").map_or("", String::as_str);
        let accepted = baseline.accepted.iter().map(|reason| format!("accepted although refused: {reason}"));
        grid.add(vec![
            Cell::new(Style::Bold, baseline.name.as_str()),
            Cell::from(baseline.fingerprint.name()),
            Cell::from(clean(mode).into_owned()),
            Cell::from(baseline.kind.name().to_owned()),
            Cell::from(boots),
            Cell::from(clean(run).into_owned()),
            Cell::from(baseline.set.to_string()),
            Cell::new(Style::Warning, clean(&accepted.collect::<String>())),
        ]);
    }
    grid.render(palette, None, &[])
}

/// The figures of a baseline: median over its boots, lowest and highest boot median of each bench.
#[must_use]
pub fn baseline_figures(side: &Side, palette: Palette) -> String {
    let mut benches: Vec<(&str, FigureUnit, Vec<f64>)> = Vec::new();
    let measured = side.boots.iter().flatten().filter(|bench| bench.status == Status::Measured);
    for bench in measured {
        let Some((unit, p50)) = bench.unit.zip(bench.p50) else { continue };
        match benches.iter_mut().find(|(id, ..)| *id == bench.id) {
            Some((.., values)) => values.push(p50),
            None => benches.push((&bench.id, unit, vec![p50])),
        }
    }
    let mut grid = Grid::new(&[
        ("bench", Align::Left),
        ("P50", Align::Right),
        ("boots", Align::Right),
        ("range of boots", Align::Left),
    ]);
    for (id, unit, values) in benches {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = format!("{} .. {}", figure(low, unit), figure(high, unit));
        let boots = values.len();
        grid.add(vec![
            Cell::from(clean(id).into_owned()),
            Cell::new(Style::Bold, median(values).map(|middle| figure(middle, unit)).unwrap_or_default()),
            Cell::from(boots.to_string()),
            Cell::new(Style::Dim, if boots > 1 { range } else { String::new() }),
        ]);
    }
    grid.render(palette, None, &[])
}

/// The benches that crept away from the baseline called `name`, or that none did.
#[must_use]
pub fn creep_lines(name: &str, found: &[Creep], margin: f64, palette: Palette) -> String {
    let margin = signed_share(1.0 + margin);
    if found.is_empty() {
        let nothing = palette.paint(Style::Good, "no bench crept");
        return format!("{nothing} more than {margin} away from {} by smaller steps\n", clean(name));
    }
    let number = palette.paint(Style::Bad, &format!("{} benches crept", found.len()));
    let mut grid = Grid::new(&[
        ("bench", Align::Left),
        ("in all", Align::Right),
        ("largest step", Align::Right),
        ("runs", Align::Right),
    ]);
    for creep in found {
        grid.add(vec![
            Cell::from(clean(&creep.bench).into_owned()),
            Cell::new(Style::Bad, signed_share(creep.ratio)),
            Cell::from(signed_share(creep.step_max)),
            Cell::from(creep.runs.to_string()),
        ]);
    }
    let grid = grid.render(palette, None, &[]);
    format!("{number} more than {margin} away from {}, though no step of a run did\n\n{grid}", clean(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::trimmed;
    use crate::samples;
    use crate::store::UnixSeconds;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::Mode;

    fn pinned() -> Baseline {
        let boots = [200, 400].map(|ticks| boot(Mode::Kvm, vec![samples::bench("env/pause", ticks, 1)]));
        let document = trimmed(&run("3f2a91bc", boots.into()));
        Baseline {
            name: "main".parse().expect("a name"),
            fingerprint: document.fingerprint.clone(),
            set: UnixSeconds(1_800_000_000),
            accepted: Some("new\u{1b}[31m disk".into()),
            kind: BaselineKind::Pinned(Box::new(document)),
        }
    }

    #[test]
    fn a_line_tells_what_a_baseline_is_of() {
        let rolling = Baseline { accepted: None, kind: BaselineKind::Rolling { boots: 9 }, ..pinned() };
        let text = baseline_lines(&[pinned(), rolling], Palette::Plain);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[1].contains("pinned") && lines[1].contains("3f2a91bc"), "{text}");
        assert!(lines[1].contains("accepted although refused: new\\u{1b}[31m disk"), "{text}");
        assert!(lines[2].contains("newest 9") && lines[2].contains("kvm"), "{text}");
    }

    #[test]
    fn figures_are_medians_over_boots_with_their_range() {
        let BaselineKind::Pinned(document) = pinned().kind else { panic!("it is pinned") };
        let text = baseline_figures(&document.side("main"), Palette::Plain);
        assert!(text.contains("env/pause  150 ns      2  100 ns .. 200 ns"), "{text}");
    }

    #[test]
    fn creep_shows_the_whole_and_the_largest_step() {
        let creep = Creep { bench: "env/pause".into(), ratio: 1.037, step_max: 1.003, runs: 12 };
        let text = creep_lines("main", &[creep], 0.01, Palette::Plain);
        assert!(text.contains("+3.7 %") && text.contains("+0.3 %") && text.contains("12"), "{text}");
        assert!(
            creep_lines("main", &[], 0.01, Palette::Plain).starts_with("no bench crept more than +1.0 %")
        );
    }
}
