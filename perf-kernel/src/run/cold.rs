//! What a boot says of cold figures that it does not take.

use alloc::string::String;

use crate::measure;
use crate::plan::{ColdChoice, Plan};
use crate::platform::Platform;
use crate::suites::{Cold, Selected};

/// A line about why no bench has cold figures; `None` where some have, and where nobody expects any: none of `selected`
/// could have them, the plan refuses them, or leaves them to a process.
///
/// It is said at the end of a boot, as that about performance counters is.
pub(super) fn describe(platform: &dyn Platform, plan: &Plan, selected: &[Selected]) -> Option<String> {
    let is_expected = match plan.cold {
        ColdChoice::Never => false,
        ColdChoice::Auto => !platform.is_process(),
        ColdChoice::Always => true,
    };
    if !is_expected || selected.iter().all(|selected| matches!(selected.bench.cold, Cold::No(_))) {
        return None;
    }
    let reason = measure::chiller(platform, plan).err()?;
    Some(alloc::format!("no cold figures: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::scripted::{ScriptedChiller, ScriptedPlatform};
    use crate::suites::select;
    use crate::units::Hertz;
    use crate::wire::Mode;

    fn said(platform: &ScriptedPlatform, cold: ColdChoice, filter: &str) -> Option<String> {
        let plan = Plan { cold, filter: [filter.into()].into(), ..Plan::quick() };
        let selected = select(&plan).expect("the filter names benches");
        describe(platform, &plan, &selected)
    }

    fn machine(mode: Mode) -> ScriptedPlatform {
        let platform = ScriptedPlatform {
            chiller: Some(ScriptedChiller::default()),
            is_process: false,
            ..ScriptedPlatform::default()
        };
        platform.clock.set((mode, Hertz(1_000_000_000)));
        platform
    }

    #[test]
    fn a_machine_that_cannot_be_chilled_says_why_unless_that_was_asked_for() {
        let reason = Some("no cold figures: an emulator has no caches");
        for mode in [Mode::Tcg, Mode::Icount] {
            assert_eq!(said(&machine(mode), ColdChoice::Auto, "kernel/").as_deref(), reason);
            assert_eq!(said(&machine(mode), ColdChoice::Always, "kernel/"), None);
            assert_eq!(said(&machine(mode), ColdChoice::Never, "kernel/"), None);
        }
        let reason = "no cold figures: a hypervisor may ignore the instruction that empties caches";
        assert_eq!(said(&machine(Mode::Kvm), ColdChoice::Auto, "kernel/").as_deref(), Some(reason));
        assert_eq!(said(&machine(Mode::Hardware), ColdChoice::Auto, "kernel/"), None);
    }

    #[test]
    fn a_process_says_why_only_if_cold_figures_were_asked_for() {
        let process = ScriptedPlatform::default();
        assert_eq!(said(&process, ColdChoice::Auto, "kernel/"), None);
        let reason = "no cold figures: a process may not empty caches";
        assert_eq!(said(&process, ColdChoice::Always, "kernel/").as_deref(), Some(reason));
    }

    #[test]
    fn benches_that_have_none_anyway_need_no_reason() {
        assert_eq!(said(&machine(Mode::Tcg), ColdChoice::Auto, "env/"), None);
        assert_eq!(said(&machine(Mode::Tcg), ColdChoice::Auto, "kernel/tlb-shootdown"), None);
    }
}
