//! What each processor can count, and how it is asked.

use alloc::vec::Vec;

use super::identity::Model;

/// What is counted, in the order in which counters are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Core cycles, not halted.
    Cycles,
    /// Instructions retired.
    Instructions,
    /// References to the last-level cache.
    LlcReferences,
    /// References that missed it.
    LlcMisses,
    /// Mispredicted branches, retired.
    BranchMisses,
    /// Walks of the page tables for data: misses of all levels of the TLB.
    DtlbMisses,
}

impl Figure {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Cycles,
        Self::Instructions,
        Self::LlcReferences,
        Self::LlcMisses,
        Self::BranchMisses,
        Self::DtlbMisses,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cycles => "cycles",
            Self::Instructions => "instructions",
            Self::LlcReferences => "llc_references",
            Self::LlcMisses => "llc_misses",
            Self::BranchMisses => "branch_misses",
            Self::DtlbMisses => "dtlb_misses",
        }
    }
}

/// Which counters can count an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Those of the core, numbers below this one.
    Core(u32),
    /// Those of the third-level cache.
    Cache,
}

/// An event as an event-select register names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) unit: Unit,
    pub(super) select: u16,
    pub(super) mask: u8,
}

/// The events whose sum is a figure. They are counted together, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) figure: Figure,
    pub(super) events: &'static [Event],
}

/// An event that every counter of the core can count.
const fn core(select: u16, mask: u8) -> Event {
    Event { unit: Unit::Core(u32::MAX), select, mask }
}

/// An event that only the first four counters can count.
const fn first_four(select: u16, mask: u8) -> Event {
    Event { unit: Unit::Core(4), select, mask }
}

const fn cache(select: u16, mask: u8) -> Event {
    Event { unit: Unit::Cache, select, mask }
}

const fn measure(figure: Figure, events: &'static [Event]) -> Measure {
    Measure { figure, events }
}

/// The architectural events that are figures here, each with its bit in CPUID leaf 0x0A, EBX (Intel SDM volume 3, table
/// "UMask and Event Select Encodings for Pre-Defined Architectural Performance Events" in section 21.2.1.2).
const ARCHITECTURAL: [(u32, Measure); 5] = [
    // UnHalted Core Cycles.
    (0, measure(Figure::Cycles, &[core(0x3c, 0x00)])),
    // Instruction Retired.
    (1, measure(Figure::Instructions, &[core(0xc0, 0x00)])),
    // LLC Reference.
    (3, measure(Figure::LlcReferences, &[core(0x2e, 0x4f)])),
    // LLC Misses.
    (4, measure(Figure::LlcMisses, &[core(0x2e, 0x41)])),
    // Branch Misses Retired.
    (6, measure(Figure::BranchMisses, &[core(0xc5, 0x00)])),
];

/// The architectural events of a processor whose leaf 0x0A has `eax` and `ebx`: EAX bits 31 to 24 say how many bits of EBX
/// mean something, and a bit that is set says that the event is missing.
pub(super) fn architectural(eax: u32, ebx: u32) -> impl Iterator<Item = Measure> {
    let has = move |bit: u32| bit < eax >> 24 && ebx >> bit & 1 == 0;
    ARCHITECTURAL.into_iter().filter(move |(bit, _)| has(*bit)).map(|(_, measure)| measure)
}

/// Intel's `DTLB_LOAD_MISSES.WALK_COMPLETED` and `DTLB_STORE_MISSES.WALK_COMPLETED`, which counters 0 to 3 count (Intel's
/// event files, github.com/intel/perfmon: SKX/events/skylakex_core.json, ICX/events/icelakex_core.json).
const WALKS: Measure = measure(Figure::DtlbMisses, &[first_four(0x08, 0x0e), first_four(0x49, 0x0e)]);

/// The same events of Golden Cove, which have other numbers (SPR/events/sapphirerapids_core.json there).
const WALKS_OF_GOLDEN_COVE: Measure =
    measure(Figure::DtlbMisses, &[first_four(0x12, 0x0e), first_four(0x13, 0x0e)]);

/// What all Zen cores count: PMCx076 (cycles not in halt), PMCx0C0 (retired instructions), PMCx0C3 (retired mispredicted
/// branches), PMCx045 with mask F0h (first-level misses that miss the second level too, and are walked, for all page
/// sizes).
const ZEN: [Measure; 4] = [
    measure(Figure::Cycles, &[core(0x76, 0x00)]),
    measure(Figure::Instructions, &[core(0xc0, 0x00)]),
    measure(Figure::BranchMisses, &[core(0xc3, 0x00)]),
    measure(Figure::DtlbMisses, &[core(0x45, 0xf0)]),
];

/// L3PMCx04 with mask FFh: all requests.
const L3_REQUESTS: Measure = measure(Figure::LlcReferences, &[cache(0x04, 0xff)]);

/// L3PMCx06 with mask 01h: requests that missed, on Zen 2 and 3.
const L3_MISSES_OF_ZEN_2: Measure = measure(Figure::LlcMisses, &[cache(0x06, 0x01)]);

/// L3PMCx04 with mask 01h: requests that missed, on Zen 4 and 5.
const L3_MISSES_OF_ZEN_4: Measure = measure(Figure::LlcMisses, &[cache(0x04, 0x01)]);

/// What `model` counts beyond the architectural events. AMD has none of those: there, this is all.
///
/// AMD: Processor Programming References 55803 (family 17h model 31h), 55898 (family 19h model 01h) and 55901 (family 19h
/// model 11h), "Performance Monitor Counters" and "L3 Cache Performance Monitor Counters"; Linux has the same in
/// tools/perf/pmu-events/arch/x86/: amdzen2 and amdzen3 (core.json, branch.json, memory.json, cache.json), amdzen4
/// (core.json, branch.json, memory.json, cache.json), amdzen5 (load-store.json, branch-prediction.json, pipeline.json,
/// l3-cache.json).
pub(super) fn of_model(model: Model) -> Vec<Measure> {
    match model {
        Model::Zen2 | Model::Zen3 => with_cache(L3_MISSES_OF_ZEN_2),
        Model::Zen4 | Model::Zen5 => with_cache(L3_MISSES_OF_ZEN_4),
        Model::Skylake | Model::IceLake => Vec::from([WALKS]),
        Model::SapphireRapids => Vec::from([WALKS_OF_GOLDEN_COVE]),
    }
}

fn with_cache(misses: Measure) -> Vec<Measure> {
    ZEN.into_iter().chain([L3_REQUESTS, misses]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(measures: impl IntoIterator<Item = Measure>) -> Vec<Figure> {
        measures.into_iter().map(|measure| measure.figure).collect()
    }

    #[test]
    fn an_architectural_event_is_there_unless_its_bit_says_that_it_is_missing() {
        assert_eq!(figures(architectural(7 << 24, 0)).len(), 5);
        let without_cache = figures(architectural(7 << 24, 1 << 3 | 1 << 4));
        assert_eq!(without_cache, [Figure::Cycles, Figure::Instructions, Figure::BranchMisses]);
    }

    #[test]
    fn bits_beyond_the_length_of_the_vector_mean_nothing() {
        assert_eq!(figures(architectural(2 << 24, 0)), [Figure::Cycles, Figure::Instructions]);
        assert_eq!(figures(architectural(0, 0)), []);
    }

    #[test]
    fn every_zen_has_each_figure_once() {
        for model in [Model::Zen2, Model::Zen3, Model::Zen4, Model::Zen5] {
            let found = figures(of_model(model));
            assert!(Figure::ALL.iter().all(|figure| found.contains(figure)), "{model:?}");
            assert_eq!(found.len(), Figure::ALL.len());
        }
    }

    #[test]
    fn the_models_of_intel_add_what_is_not_architectural() {
        for model in [Model::Skylake, Model::IceLake, Model::SapphireRapids] {
            assert_eq!(figures(of_model(model)), [Figure::DtlbMisses], "{model:?}");
        }
    }
}
