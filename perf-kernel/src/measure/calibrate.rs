//! How ticks become time: the counter measured against every clock of the platform, and what the clocks make of it.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::batch::CounterKind;
use super::reference::{self, Reading};
use super::{mode, overhead};
use crate::arch::counter;
use crate::arch::cpuid::{self, ClockLeaves};
use crate::platform::{Platform, ReferenceClock};
use crate::units::{Hertz, PartsPerMillion};
use crate::wire::{Clock, ClockSource, Mode};

/// Independent sources further apart make a boot's figures invalid.
pub(crate) const DISAGREEMENT_MAX: PartsPerMillion = PartsPerMillion(1_000);
/// A reading more uncertain than this is repeated over a longer interval.
const UNCERTAINTY_MAX: PartsPerMillion = PartsPerMillion(250);
/// The first interval in milliseconds; each one is twice as long as the one before...
const INTERVAL_MS_FIRST: u64 = 20;
/// ...up to this one.
const INTERVAL_MS_LAST: u64 = 400;
/// In exact mode a tick is an instruction and QEMU's clock counts a nanosecond for each.
const EXACT_FREQUENCY: Hertz = Hertz(1_000_000_000);
/// How far a crystal may be off the number that CPUID gives for it.
const CRYSTAL_TOLERANCE: PartsPerMillion = PartsPerMillion(100);

/// Finds out the mode, measures the counter's frequency, and tells the platform. Takes 20 ms if the first readings
/// agree, about a second if none do.
#[must_use]
pub fn calibrate(platform: &dyn Platform, counter: CounterKind) -> Clock {
    let hypervisor = cpuid::hypervisor_vendor();
    let mode = mode::detect(platform.is_process(), hypervisor.as_deref(), mode::has_exact_ticks);
    let leaves = cpuid::clock_leaves();
    let mut clocks = platform.reference_clocks();
    let readings = measure(&mut clocks, &static_sources(&leaves), &mut || counter::stop().0);
    let silent = silent(&clocks, &readings);
    let mut clock = conclude(mode, &leaves, readings);
    if let Some(silent) = silent {
        let separator = if clock.note.is_empty() { "" } else { "; " };
        clock.note = alloc::format!("{}{separator}{silent}", clock.note);
    }
    clock.overhead_ticks = overhead::measure(counter);
    platform.set_clock(clock.mode, clock.frequency);
    clock
}

/// The clocks that gave no reading, in words.
fn silent(clocks: &[Box<dyn ReferenceClock + '_>], readings: &[Reading]) -> Option<String> {
    let is_silent = |name: &&str| readings.iter().all(|reading| reading.name != *name);
    let names: Vec<&str> = clocks.iter().map(|clock| clock.name()).filter(is_silent).collect();
    (!names.is_empty()).then(|| alloc::format!("no steady reading of {}", names.join(", ")))
}

/// Measures against `clocks` over growing intervals until all sources agree. Ends with the last interval.
fn measure(
    clocks: &mut [Box<dyn ReferenceClock + '_>],
    fixed: &[Source],
    counter: &mut dyn FnMut() -> u64,
) -> Vec<Reading> {
    let mut interval = INTERVAL_MS_FIRST;
    let mut before = Vec::new();
    loop {
        let readings = reference::read(clocks, interval, counter);
        if readings.is_empty() || interval >= INTERVAL_MS_LAST || is_enough(&readings, &before, fixed) {
            return readings;
        }
        before = readings;
        interval = (interval * 2).min(INTERVAL_MS_LAST);
    }
}

/// Whether `readings` are certain and agree with each other and with the `fixed` sources; a single source has to
/// agree with itself `before`.
fn is_enough(readings: &[Reading], before: &[Reading], fixed: &[Source]) -> bool {
    let mut sources: Vec<Source> =
        readings.iter().map(Source::measured).chain(fixed.iter().cloned()).collect();
    if independent(&sources).count() < 2 {
        sources.extend(before.iter().map(Source::measured));
    }
    let is_certain = readings.iter().all(|reading| reading.uncertainty <= UNCERTAINTY_MAX);
    is_certain && disagreement(&sources).is_some_and(|apart| apart <= DISAGREEMENT_MAX)
}

/// One source with what it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    source: ClockSource,
    /// Whether it can be held against others. The base frequency of a processor is not its counter's.
    is_independent: bool,
    /// Whether it is a number that does not vary between boots.
    is_fixed: bool,
}

impl Source {
    fn measured(reading: &Reading) -> Self {
        let Reading { name, frequency, uncertainty } = *reading;
        let source = ClockSource { name: name.to_string(), frequency, uncertainty };
        Self { source, is_independent: true, is_fixed: false }
    }
}

/// What CPUID says, best first.
fn static_sources(leaves: &ClockLeaves) -> Vec<Source> {
    // A number in steps of so many hertz is off by half a step at most.
    let rounding = |frequency: Hertz, step: u64| {
        PartsPerMillion(PartsPerMillion::of(step / 2, frequency.0).map_or(0, |share| share.0) + 1)
    };
    let source = |name: &str, frequency, uncertainty, is_independent| {
        let source = ClockSource { name: name.to_string(), frequency, uncertainty };
        Source { source, is_independent, is_fixed: is_independent }
    };
    let crystal = leaves.crystal.map(|hertz| source("cpuid-15", hertz, CRYSTAL_TOLERANCE, true));
    let hypervisor =
        leaves.hypervisor.map(|hertz| source("hypervisor-leaf", hertz, rounding(hertz, 1_000), true));
    let base = leaves.base.map(|hertz| source("cpuid-16", hertz, rounding(hertz, 1_000_000), false));
    [crystal, hypervisor, base].into_iter().flatten().collect()
}

fn independent(sources: &[Source]) -> impl Iterator<Item = &ClockSource> {
    sources.iter().filter(|source| source.is_independent).map(|source| &source.source)
}

/// Largest distance between two independent sources, as a share of the lower one.
fn disagreement(sources: &[Source]) -> Option<PartsPerMillion> {
    if independent(sources).count() < 2 {
        return None;
    }
    let low = independent(sources).map(|source| source.frequency).min()?;
    let high = independent(sources).map(|source| source.frequency).max()?;
    PartsPerMillion::of(high.0 - low.0, low.0)
}

/// The clock that `mode`, CPUID and `readings` make.
fn conclude(mode: Mode, leaves: &ClockLeaves, readings: Vec<Reading>) -> Clock {
    let mut sources = static_sources(leaves);
    sources.extend(readings.iter().map(Source::measured));
    let disagreement = disagreement(&sources);
    let is_apart = disagreement.is_some_and(|apart| apart > DISAGREEMENT_MAX);
    let is_known = independent(&sources).next().is_some();
    let is_valid = !mode.has_meaningful_time() || (is_known && !is_apart);
    let frequency = if mode == Mode::Icount { EXACT_FREQUENCY } else { best(&sources) };
    let note = note(mode, leaves, disagreement, is_known);
    Clock {
        mode,
        frequency,
        is_invariant: leaves.is_invariant,
        sources: sources.into_iter().map(|source| source.source).collect(),
        disagreement,
        is_valid,
        note,
        overhead_ticks: 0,
    }
}

/// The frequency to use: a fixed number first, so that boots of one machine agree; else the most certain reading.
fn best(sources: &[Source]) -> Hertz {
    let key = |source: &&Source| (!source.is_independent, !source.is_fixed, source.source.uncertainty);
    sources.iter().min_by_key(key).map_or(EXACT_FREQUENCY, |best| best.source.frequency)
}

/// What a reader must know.
fn note(mode: Mode, leaves: &ClockLeaves, disagreement: Option<PartsPerMillion>, is_known: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    match mode {
        Mode::Icount => parts.push("a tick is an instruction; times are nominal at 1 GHz".to_string()),
        Mode::Tcg => parts.push("emulated: time is synthetic and says nothing about speed".to_string()),
        Mode::Hosted => parts.push("both clocks come from the kernel's own clock source".to_string()),
        Mode::Kvm if !leaves.is_invariant => {
            parts.push("the hypervisor does not promise a constant counter".to_string());
        }
        Mode::Hardware if !leaves.is_invariant => {
            parts.push("CPUID does not promise a constant counter".to_string());
        }
        Mode::Kvm | Mode::Hardware => (),
    }
    match disagreement {
        Some(apart) if apart > DISAGREEMENT_MAX => {
            parts.push(alloc::format!("the sources differ by {} ppm, over {}", apart.0, DISAGREEMENT_MAX.0));
        }
        None if !is_known => {
            parts.push("no clock to measure the counter against: times are nominal".to_string())
        }
        None => parts.push("one source only: its frequency is not cross-checked".to_string()),
        Some(_) => (),
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::scripted::ScriptedPlatform;

    const NO_LEAVES: ClockLeaves =
        ClockLeaves { crystal: None, hypervisor: None, base: None, is_invariant: true };

    fn reading(name: &'static str, hertz: u64, ppm: u64) -> Reading {
        Reading { name, frequency: Hertz(hertz), uncertainty: PartsPerMillion(ppm) }
    }

    #[test]
    fn sources_that_agree_make_a_valid_clock() {
        let readings = alloc::vec![reading("hpet", 2_000_100_000, 20), reading("pit", 2_000_900_000, 80)];
        let clock = conclude(Mode::Hardware, &NO_LEAVES, readings);
        assert_eq!((clock.frequency, clock.is_valid), (Hertz(2_000_100_000), true));
        assert_eq!(clock.disagreement, Some(PartsPerMillion(399)));
        assert_eq!(clock.note, "");
    }

    #[test]
    fn sources_that_disagree_make_a_boot_invalid_unless_time_is_synthetic() {
        let readings = || alloc::vec![reading("hpet", 2_000_000_000, 20), reading("pit", 2_002_100_000, 80)];
        let hardware = conclude(Mode::Hardware, &NO_LEAVES, readings());
        assert!(!hardware.is_valid);
        assert!(hardware.note.contains("differ by 1050 ppm"), "{}", hardware.note);
        let emulated = conclude(Mode::Tcg, &NO_LEAVES, readings());
        assert!(emulated.is_valid);
        assert!(
            emulated.note.contains("synthetic") && emulated.note.contains("1050 ppm"),
            "{}",
            emulated.note
        );
        assert_eq!(emulated.disagreement, hardware.disagreement);
    }

    #[test]
    fn a_fixed_number_is_used_before_a_measured_one() {
        let leaves = ClockLeaves { crystal: Some(Hertz(2_400_000_000)), ..NO_LEAVES };
        let clock = conclude(Mode::Hardware, &leaves, alloc::vec![reading("hpet", 2_400_100_000, 1)]);
        assert_eq!(clock.frequency, Hertz(2_400_000_000));
        assert_eq!(clock.disagreement, Some(PartsPerMillion(41)));
    }

    #[test]
    fn the_base_frequency_is_listed_and_not_held_against_others() {
        let leaves = ClockLeaves { base: Some(Hertz(2_600_000_000)), ..NO_LEAVES };
        let readings = alloc::vec![reading("hpet", 2_592_000_000, 9), reading("pit", 2_592_000_100, 50)];
        let clock = conclude(Mode::Hardware, &leaves, readings);
        assert!(clock.is_valid);
        assert_eq!(clock.frequency, Hertz(2_592_000_000));
        assert_eq!(clock.sources.len(), 3);
    }

    #[test]
    fn without_a_clock_figures_are_invalid() {
        let clock = conclude(Mode::Hardware, &NO_LEAVES, Vec::new());
        assert!(!clock.is_valid);
        assert!(clock.note.contains("no clock"), "{}", clock.note);
        assert!(conclude(Mode::Icount, &NO_LEAVES, Vec::new()).is_valid);
    }

    #[test]
    fn one_source_is_valid_and_says_so() {
        let clock = conclude(Mode::Kvm, &NO_LEAVES, alloc::vec![reading("acpi-pm", 2_000_000_000, 30)]);
        assert!(clock.is_valid);
        assert_eq!(clock.disagreement, None);
        assert!(clock.note.contains("one source only"), "{}", clock.note);
    }

    #[test]
    fn clocks_without_a_reading_are_named() {
        let platform = ScriptedPlatform::default();
        let clocks = platform.reference_clocks();
        assert_eq!(silent(&clocks, &[reading("counter", 1, 1)]), None);
        assert_eq!(silent(&clocks, &[]).as_deref(), Some("no steady reading of counter, counter"));
    }

    #[test]
    fn exact_mode_has_its_nominal_frequency() {
        let clock = conclude(Mode::Icount, &NO_LEAVES, alloc::vec![reading("hpet", 1_000_300_000, 30)]);
        assert_eq!(clock.frequency, EXACT_FREQUENCY);
    }

    #[test]
    fn a_single_clock_is_enough_once_it_repeats_itself() {
        let now = alloc::vec![reading("pit", 2_000_000_000, 50)];
        assert!(!is_enough(&now, &[], &[]));
        assert!(!is_enough(&now, &[reading("pit", 2_004_000_000, 50)], &[]));
        assert!(is_enough(&now, &[reading("pit", 2_001_000_000, 50)], &[]));
        assert!(!is_enough(&[reading("pit", 2_000_000_000, 300)], &now, &[]));
    }
}
