//! What the processor's performance counters say of a bench.

use perf_kernel::wire::PmuCounts;

use super::Severity;
use super::rule::{Context, Found, Rule, Scope, Sign, found, of, percent, share};
use crate::analysis::MergedBench;
use crate::analysis::units::count;

/// Instructions a cycle below which a core mostly waits. Cores retire four or more; below 1 memory is the first suspect
/// (Gregg, Systems Performance, 2nd edition, 2020), below half of that there is hardly another.
const IPC_MIN: f64 = 0.5;

/// Share of last-level references that go to memory, and misses for 1,000 instructions, from which on memory sets the
/// pace: at 100 ns a miss, one in 1,000 instructions adds as much time as some hundred of them take.
const LLC_MISS_SHARE_MAX: f64 = 0.2;
const LLC_MISSES_PER_THOUSAND_MAX: f64 = 1.0;

/// dTLB misses for 1,000 instructions: at some tens of cycles for a walk of the page tables, a tenth of the time or more.
const DTLB_MISSES_PER_THOUSAND_MAX: f64 = 5.0;

/// Branch misses for 1,000 instructions: at fifteen to twenty cycles each, a tenth of the time or more.
const BRANCH_MISSES_PER_THOUSAND_MAX: f64 = 5.0;

/// Benches whose subject are misses.
const MISSES_ON_PURPOSE: [&str; 3] = ["memory/cache-", "memory/tlb-", "memory/bandwidth-"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "cache-misses",
        scope: Scope::Time,
        find: cache,
        advice: "Touch less memory for each operation, keep what is used together in one line, prefetch what is known \
                 ahead.",
    },
    Rule {
        name: "tlb-misses",
        scope: Scope::Time,
        find: tlb,
        advice: "Map the data with large pages, or keep it within fewer pages.",
    },
    Rule {
        name: "branch-misses",
        scope: Scope::Time,
        find: branches,
        advice: "Sort or batch by case, use conditional moves, or take the common case out of the loop.",
    },
    Rule {
        name: "low-ipc",
        scope: Scope::Time,
        find: ipc,
        advice: "Look at cache and TLB misses first; then at dependent chains, divisions, locked and serialising \
                 instructions.",
    },
];

/// The counts of all boots together; `None` unless each record has them. Figures of different passes are over equally many
/// iterations, so that their ratios hold.
fn counts(bench: &MergedBench<'_>) -> Option<PmuCounts> {
    let mut records = bench.records.iter().map(|record| record.pmu.as_deref());
    let first = records.next()??.clone();
    let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    records.try_fold(first, |all, pmu| {
        let pmu = pmu?;
        Some(PmuCounts {
            cycles: sum(all.cycles, pmu.cycles),
            instructions: sum(all.instructions, pmu.instructions),
            llc_references: sum(all.llc_references, pmu.llc_references),
            llc_misses: sum(all.llc_misses, pmu.llc_misses),
            branch_misses: sum(all.branch_misses, pmu.branch_misses),
            dtlb_misses: sum(all.dtlb_misses, pmu.dtlb_misses),
        })
    })
}

fn is_about_misses(bench: &MergedBench<'_>) -> bool {
    MISSES_ON_PURPOSE.iter().any(|start| bench.id.starts_with(start))
}

/// A sign for each bench with more than `max` of `misses` for 1,000 instructions.
fn per_thousand(
    context: &Context<'_>,
    (name, max): (&str, f64),
    misses: fn(&PmuCounts) -> Option<u64>,
) -> Vec<Sign> {
    context.benches(|bench| {
        let counts = counts(bench).filter(|_| !is_about_misses(bench))?;
        let rate = share(misses(&counts)?, counts.instructions?)? * 1_000.0;
        (rate > max).then(|| Sign::new(rate, bench.id, name, format!("{rate:.1} for 1,000 instructions")))
    })
}

fn cache(context: &Context<'_>) -> Option<Found> {
    let signs = context.benches(|bench| {
        let counts = counts(bench).filter(|_| !is_about_misses(bench))?;
        let misses = counts.llc_misses?;
        let to_memory = share(misses, counts.llc_references?)?;
        let rate = share(misses, counts.instructions?)? * 1_000.0;
        let is_bound = to_memory > LLC_MISS_SHARE_MAX && rate > LLC_MISSES_PER_THOUSAND_MAX;
        let value = || format!("{} of the references, {rate:.1} for 1,000 instructions", percent(to_memory));
        is_bound.then(|| Sign::new(rate, bench.id, "last-level cache misses", value()))
    });
    found(
        signs,
        |_| Severity::Note,
        |benches| format!("Cache misses set the pace of {}.", of(benches, "bench", "benches")),
    )
}

fn tlb(context: &Context<'_>) -> Option<Found> {
    let signs =
        per_thousand(context, ("dTLB misses", DTLB_MISSES_PER_THOUSAND_MAX), |counts| counts.dtlb_misses);
    found(
        signs,
        |_| Severity::Note,
        |benches| format!("Walks of the page tables slow {}.", of(benches, "bench", "benches")),
    )
}

fn branches(context: &Context<'_>) -> Option<Found> {
    let signs = per_thousand(context, ("branch misses", BRANCH_MISSES_PER_THOUSAND_MAX), |counts| {
        counts.branch_misses
    });
    found(
        signs,
        |_| Severity::Note,
        |benches| format!("Mispredicted branches slow {}.", of(benches, "bench", "benches")),
    )
}

fn ipc(context: &Context<'_>) -> Option<Found> {
    let signs = context.benches(|bench| {
        let counts = counts(bench).filter(|_| !is_about_misses(bench))?;
        let (instructions, cycles) = (counts.instructions?, counts.cycles.filter(|cycles| *cycles > 0)?);
        let ipc = count(instructions) / count(cycles);
        (ipc < IPC_MIN).then(|| Sign::new(-ipc, bench.id, "instructions a cycle", format!("{ipc:.2}")))
    });
    found(
        signs,
        |_| Severity::Note,
        |benches| format!("The core mostly waits in {}.", of(benches, "bench", "benches")),
    )
}
