//! Which figures are counted together.

use alloc::vec::Vec;

use super::counters::Counter;
use super::events::{Event, Figure, Measure};

/// A figure, and the counters that count its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) figure: Figure,
    /// Places in the list of counters, each with what it counts.
    pub(super) parts: Vec<(usize, Event)>,
}

/// Figures that are counted together.
pub(super) type Pass = Vec<Assigned>;

/// Spreads the figures over as few passes as are found by taking each in order, into the first pass with room. A figure is
/// never split over passes; one that no empty pass has room for is left out.
pub(super) fn plan(counters: &[Counter], measures: &[Measure]) -> Vec<Pass> {
    let mut passes: Vec<Pass> = Vec::new();
    for figure in Figure::ALL {
        let Some(measure) = measures.iter().find(|measure| measure.figure == figure) else { continue };
        let place =
            passes.iter().enumerate().find_map(|(index, pass)| Some((index, fit(counters, pass, measure)?)));
        match place {
            Some((index, assigned)) => passes[index].push(assigned),
            None => passes.extend(fit(counters, &[], measure).map(|assigned| Vec::from([assigned]))),
        }
    }
    passes
}

/// Counters for `measure` beside those that `pass` has in use; `None` if they do not suffice.
fn fit(counters: &[Counter], pass: &[Assigned], measure: &Measure) -> Option<Assigned> {
    let mut used: Vec<usize> =
        pass.iter().flat_map(|assigned| assigned.parts.iter().map(|(place, _)| *place)).collect();
    let mut parts = Vec::new();
    for event in measure.events {
        let place = choose(counters, &used, measure.figure, event)?;
        used.push(place);
        parts.push((place, *event));
    }
    Some(Assigned { figure: measure.figure, parts })
}

/// A fixed counter where there is one, else the last that fits: the first ones count what others cannot.
fn choose(counters: &[Counter], used: &[usize], figure: Figure, event: &Event) -> Option<usize> {
    use super::counters::Kind;
    let fits = |(place, counter): &(usize, &Counter)| !used.contains(place) && counter.counts(figure, event);
    let fixed = |counter: &Counter| matches!(counter.kind, Kind::Fixed(_));
    let all = || counters.iter().enumerate().filter(fits);
    all().find(|(_, counter)| fixed(counter)).or_else(|| all().next_back()).map(|(place, _)| place)
}
