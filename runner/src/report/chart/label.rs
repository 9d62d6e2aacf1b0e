//! Units along an axis and the text of its ticks.

use crate::analysis::FigureUnit;

/// The unit called `name` in JSON and in the database.
pub(crate) fn unit_named(name: &str) -> Option<FigureUnit> {
    let units =
        [FigureUnit::Nanoseconds, FigureUnit::Instructions, FigureUnit::PartsPerMillion, FigureUnit::Bytes];
    units.into_iter().find(|unit| unit.name() == name)
}

/// What the values of an axis are, for the sizes that they are shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ladder {
    /// Figures.
    Figure(FigureUnit),
    /// Plain numbers.
    Plain,
}

impl Ladder {
    /// The ladder for figures of `unit`; plain numbers where the unit is not known.
    pub(super) fn of(unit: Option<FigureUnit>) -> Self {
        unit.map_or(Self::Plain, Self::Figure)
    }

    /// Whether round values are powers of two.
    pub(super) const fn is_binary(self) -> bool {
        matches!(self, Self::Figure(FigureUnit::Bytes))
    }

    /// Sizes with their names, ascending.
    const fn sizes(self) -> &'static [(f64, &'static str)] {
        match self {
            Self::Figure(FigureUnit::Nanoseconds) => {
                &[(1.0, " ns"), (1e3, " \u{b5}s"), (1e6, " ms"), (1e9, " s")]
            }
            Self::Figure(FigureUnit::PartsPerMillion) => &[(1.0, " ppm"), (1e4, " %")],
            Self::Figure(FigureUnit::Bytes) => {
                &[(1.0, " B"), (1024.0, " KiB"), (1_048_576.0, " MiB"), (1_073_741_824.0, " GiB")]
            }
            Self::Figure(FigureUnit::Instructions) | Self::Plain => {
                &[(1.0, ""), (1e3, " k"), (1e6, " M"), (1e9, " G"), (1e12, " T")]
            }
        }
    }
}

/// The size that `largest` is shown in.
pub(super) fn grain(largest: f64, ladder: Ladder) -> f64 {
    size_for(largest, ladder).0
}

/// Labels of evenly spaced ticks: all in one unit, with the decimals that tell them apart.
pub(super) fn even_labels(ticks: &[f64], ladder: Ladder) -> Vec<String> {
    let largest = ticks.iter().fold(0.0_f64, |largest, tick| largest.max(tick.abs()));
    let (size, name) = size_for(largest, ladder);
    let is_told = |decimals: &usize| {
        let power = [1.0, 10.0, 100.0, 1000.0, 1e4][*decimals];
        ticks.iter().all(|tick| {
            let scaled = tick / size * power;
            (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1.0)
        })
    };
    let decimals = (0..=4).find(is_told).unwrap_or(4);
    ticks.iter().map(|tick| format!("{:.decimals$}{name}", tick / size + 0.0)).collect()
}

/// Labels of ticks far apart: each in the unit that suits it.
pub(super) fn own_labels(ticks: &[f64], ladder: Ladder) -> Vec<String> {
    ticks.iter().flat_map(|tick| even_labels(&[*tick], ladder)).collect()
}

fn size_for(largest: f64, ladder: Ladder) -> (f64, &'static str) {
    let sizes = ladder.sizes();
    let fits = |(size, _): &&(f64, &str)| largest >= size * 0.999;
    sizes.iter().rev().find(fits).or(sizes.first()).copied().unwrap_or((1.0, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_share_a_unit_and_tell_ticks_apart() {
        let time = Ladder::Figure(FigureUnit::Nanoseconds);
        assert_eq!(even_labels(&[0.0, 500.0, 1000.0], time), ["0.0 \u{b5}s", "0.5 \u{b5}s", "1.0 \u{b5}s"]);
        assert_eq!(even_labels(&[142.0, 142.5], time), ["142.0 ns", "142.5 ns"]);
        assert_eq!(own_labels(&[10.0, 1e4, 1e7], time), ["10 ns", "10 \u{b5}s", "10 ms"]);
        assert_eq!(own_labels(&[65_536.0], Ladder::Figure(FigureUnit::Bytes)), ["64 KiB"]);
        assert_eq!(own_labels(&[20_000.0], Ladder::Plain), ["20 k"]);
    }

    #[test]
    fn units_are_known_by_their_names() {
        assert_eq!(unit_named("instructions"), Some(FigureUnit::Instructions));
        assert_eq!(unit_named("furlongs"), None);
    }
}
