//! An audit as text.

use super::grid::{Align, Cell, Grid};
use super::style::{Palette, Style};
use crate::audit::{Audit, Recall, Shuffling, StepSize};

/// The figures of an audit for people.
#[must_use]
pub fn audit_text(audit: &Audit, palette: Palette) -> String {
    let mut text = format!(
        "{} histories with enough points, {} of them with noise; {} left out\n\n",
        audit.histories, audit.noisy, audit.left_out
    );
    if audit.alarms.is_empty() {
        text.push_str("no history has noise, so that nothing can be said of false alarms and recall\n");
    } else {
        text.push_str(&alarms(audit, palette));
        text.push('\n');
        text.push_str(&recall(&audit.recall, palette));
    }
    let replay = &audit.replay;
    let part = replay.withdrawn_part().map(|part| format!(" ({:.1} %)", 100.0 * part)).unwrap_or_default();
    text.push_str(&format!(
        "\nreplayed point by point: {} new levels found in {} points, {} withdrawn later{part}, \
         {} turned out to be blips, {} became part of a drift\n",
        replay.found, replay.points, replay.withdrawn, replay.blips, replay.merged
    ));
    text
}

fn alarms(audit: &Audit, palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("false alarms in noise shuffled by", Align::Left),
        ("points", Align::Right),
        ("alarms", Align::Right),
        ("per 1,000", Align::Right),
        ("95 % interval", Align::Right),
        ("budget", Align::Right),
        ("suspicions", Align::Right),
        ("", Align::Left),
    ]);
    for rate in &audit.alarms {
        let name = match rate.shuffling {
            Shuffling::Points => "points",
            Shuffling::Blocks => "blocks of neighbours",
        };
        let (style, word) = if rate.interval.low > rate.budget {
            (Style::Bad, "over the budget")
        } else if rate.interval.high <= rate.budget {
            (Style::Good, "within the budget")
        } else {
            (Style::Warning, "undecided: more replicates narrow it down")
        };
        grid.add(vec![
            Cell::from(name.to_owned()),
            Cell::from(rate.points.to_string()),
            Cell::from(rate.alarms.to_string()),
            Cell::from(format!("{:.3}", rate.per_thousand)),
            Cell::from(format!("{:.3} .. {:.3}", rate.interval.low, rate.interval.high)),
            Cell::from(format!("{:.3}", rate.budget)),
            Cell::from(rate.suspicions.to_string()),
            Cell::new(style, word),
        ]);
    }
    grid.render(palette, None, &[])
}

fn recall(cells: &[Recall], palette: Palette) -> String {
    let mut grid = Grid::new(&[
        ("steps of", Align::Left),
        ("points after", Align::Left),
        ("found", Align::Right),
        ("95 % interval", Align::Right),
        ("delay in points", Align::Right),
        ("size error", Align::Right),
    ]);
    for cell in cells {
        let size = match cell.size {
            StepSize::Noise(units) => format!("{units} noise units"),
            StepSize::Part(part) => format!("{:.0} %", 100.0 * part),
        };
        let percent = |part: f64| format!("{:.0} %", 100.0 * part);
        grid.add(vec![
            Cell::from(size),
            Cell::from(if cell.is_late { "3 to 8" } else { "10 or more" }.to_owned()),
            Cell::from(format!("{} of {}", cell.found, cell.injected)),
            Cell::from(format!("{} .. {}", percent(cell.interval.low), percent(cell.interval.high))),
            Cell::from(cell.delay_points_median.map(|delay| format!("{delay:.0}")).unwrap_or_default()),
            Cell::from(cell.size_error_median.map(percent).unwrap_or_default()),
        ]);
    }
    grid.render(palette, None, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Study, study};
    use crate::history::{Detector, Point};

    #[test]
    fn an_audit_names_budget_recall_and_withdrawals() {
        let values = (0..80_u32).map(|i| Point::new(1_000.0 + f64::from(i * i * 7 % 23)));
        let histories = [values.collect::<Vec<_>>(), vec![Point::new(1.0); 3]];
        let audit = study(&histories, Study { detector: Detector::with_rate(1e-4), replicates: 2, seed: 1 });
        let text = audit_text(&audit, Palette::Plain);
        for part in [
            "1 histories with enough points, 1 of them",
            "1 left out",
            "0.100",
            "3 noise units",
            "withdrawn later",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
