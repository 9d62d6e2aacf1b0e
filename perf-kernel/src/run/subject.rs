//! What a boot measures.

use alloc::string::{String, ToString};
use core::mem::ManuallyDrop;

use crate::measure::{Bencher, Conditions, offended, skipped};
use crate::plan::Plan;
use crate::platform::{Apart, Offence, Platform};
use crate::suites::{BenchFunction, Body, Selected};
use crate::units::Nanoseconds;
use crate::wire::{BenchRecord, Mode, Side};

/// Rounds of a boot that measures two builds, unless the plan says otherwise. Where ticks are instructions, a round
/// says as much as many.
const ROUNDS_DEFAULT: u16 = 4;

/// A build of the suites together with the subsystems that they measure.
pub trait Subject: Sync {
    /// Gets ready for the first bench, on `platform` with its clock calibrated.
    fn prepare(&self, platform: &dyn Platform) {
        let _ = platform;
    }

    /// Runs `selected` once, or says why not.
    fn run(&self, conditions: &Conditions<'_>, selected: &Selected) -> BenchRecord;
}

/// What a boot measures.
#[derive(Clone, Copy)]
pub enum Subjects<'a> {
    /// One build.
    One(&'a dyn Subject),
    /// Two builds, each bench in turn on both, so that what changes in the course of a boot changes both.
    Pair {
        /// What the candidate is held against.
        base: &'a dyn Subject,
        /// What may have become slower.
        candidate: &'a dyn Subject,
        /// What the two are, for people.
        about: &'static str,
    },
}

/// One measurement of a bench.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) subject: &'a dyn Subject,
    /// Which of two builds it is, and the round from 0; `None` for one build.
    pub(super) place: Option<(Side, u16)>,
}

impl Turn<'_> {
    /// `record` with its place among two builds.
    pub(super) fn mark(&self, record: BenchRecord) -> BenchRecord {
        BenchRecord {
            side: self.place.map(|(side, _)| side),
            round: self.place.map(|(_, round)| round),
            ..record
        }
    }
}

impl<'a> Subjects<'a> {
    /// Gets all subjects ready.
    pub(super) fn prepare(self, platform: &dyn Platform) {
        match self {
            Self::One(subject) => subject.prepare(platform),
            Self::Pair { base, candidate, .. } => {
                base.prepare(platform);
                candidate.prepare(platform);
            }
        }
    }

    /// What two builds are, for people; `None` for one.
    pub(super) const fn about(self) -> Option<&'static str> {
        match self {
            Self::One(_) => None,
            Self::Pair { about, .. } => Some(about),
        }
    }

    /// The measurements of each bench, in order. A round of two builds is base, candidate, candidate, base, and every
    /// other round begins with the candidate: a steady drift then weighs on both alike, and so does being first.
    ///
    /// They are not kept in memory: what a boot holds on to moves every later block of the heap under test.
    pub(super) fn turns(self, plan: &Plan, mode: Mode) -> impl Iterator<Item = Turn<'a>> + Clone {
        let rounds = match self {
            Self::One(_) => 1,
            Self::Pair { .. } => plan.rounds.unwrap_or(if mode == Mode::Icount { 1 } else { ROUNDS_DEFAULT }),
        };
        (0..rounds).flat_map(move |round| self.round(round).into_iter().flatten())
    }

    fn round(self, round: u16) -> [Option<Turn<'a>>; 4] {
        let (base, candidate) = match self {
            Self::One(subject) => return [Some(Turn { subject, place: None }), None, None, None],
            Self::Pair { base, candidate, .. } => (base, candidate),
        };
        let base = Some(Turn { subject: base, place: Some((Side::Base, round)) });
        let candidate = Some(Turn { subject: candidate, place: Some((Side::Candidate, round)) });
        let (first, second) = if round.is_multiple_of(2) { (base, candidate) } else { (candidate, base) };
        [first, second, second, first]
    }
}

/// The suites of this library.
#[derive(Clone, Copy, Debug)]
pub struct Suites;

impl Subject for Suites {
    fn run(&self, conditions: &Conditions<'_>, selected: &Selected) -> BenchRecord {
        measure(conditions, selected)
    }
}

/// Runs one bench of this library, or says why not.
#[must_use]
pub fn measure(conditions: &Conditions<'_>, selected: &Selected) -> BenchRecord {
    let platform = conditions.platform;
    let Body::Built(function) = selected.bench.body else {
        return skipped(selected, "not built yet".to_string());
    };
    if let Some(reason) = lack(platform, selected) {
        return skipped(selected, reason);
    }
    let id = selected.id();
    platform.set_running_bench(Some(&id));
    let mut measuring =
        Measuring { conditions, selected, function, made: ManuallyDrop::new(None), kept: None };
    let outcome = platform.run_apart(&mut measuring);
    platform.set_running_bench(None);
    match (outcome, measuring.kept) {
        (Ok(()), Some(record)) => record,
        (Ok(()), None) => offended(selected, Offence::LeftBehind("no record".to_string())),
        (Err(offence), _) => offended(selected, offence),
    }
}

/// A bench that is being measured.
struct Measuring<'a> {
    conditions: &'a Conditions<'a>,
    selected: &'a Selected,
    function: BenchFunction,
    /// The record where the bench has made it: not to be touched if the bench was ended.
    made: ManuallyDrop<Option<BenchRecord>>,
    kept: Option<BenchRecord>,
}

impl Apart for Measuring<'_> {
    fn time_max(&self) -> Nanoseconds {
        self.conditions.plan.bench_time_max()
    }

    fn run(&mut self) {
        let mut bencher = Bencher::new(*self.conditions, self.selected);
        let result = (self.function)(&mut bencher);
        self.made = ManuallyDrop::new(Some(bencher.finish(result)));
    }

    fn keep(&mut self) {
        let made = self.made.take();
        self.kept.clone_from(&made);
    }
}

/// What the machine lacks for a bench.
pub(super) fn lack(platform: &dyn Platform, selected: &Selected) -> Option<String> {
    let needs = selected.suite.needs.iter().chain(selected.bench.needs);
    needs.filter_map(|need| platform.offers(*need).err()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(subjects: Subjects<'_>, rounds: Option<u16>, mode: Mode) -> String {
        let plan = Plan { rounds, ..Plan::quick() };
        let letter = |turn: Turn<'_>| match turn.place {
            Some((Side::Base, _)) => 'A',
            Some((Side::Candidate, _)) => 'B',
            None => '.',
        };
        subjects.turns(&plan, mode).map(letter).collect()
    }

    #[test]
    fn rounds_begin_with_either_side_in_turn() {
        let pair = Subjects::Pair { base: &Suites, candidate: &Suites, about: "" };
        assert_eq!(sides(pair, Some(3), Mode::Hosted), "ABBABAABABBA");
        assert_eq!(sides(pair, None, Mode::Icount), "ABBA");
        assert_eq!(sides(pair, None, Mode::Tcg).len(), 16);
    }

    #[test]
    fn one_build_is_measured_once_whatever_the_rounds() {
        assert_eq!(sides(Subjects::One(&Suites), Some(9), Mode::Hosted), ".");
    }
}
