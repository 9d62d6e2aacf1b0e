//! What a boot says of its performance counters.

use alloc::string::String;
use alloc::vec::Vec;

use crate::platform::Platform;

/// A line about the counters, or about why there are none; `None` for a process, which never has any.
///
/// It is said at the end of a boot: what a boot holds on to moves every later block of the heap under test.
pub(super) fn describe(platform: &dyn Platform) -> Option<String> {
    let counters = match platform.event_counters() {
        Ok(counters) => counters,
        Err(_) if platform.is_process() => return None,
        Err(absence) => return Some(alloc::format!("no performance counters: {absence}")),
    };
    let passes = (0..counters.passes()).map(|pass| {
        let names: Vec<&str> = counters.figures(pass).into_iter().map(|figure| figure.name()).collect();
        names.join(", ")
    });
    let passes: Vec<String> = passes.collect();
    let taken = match counters.taken() {
        0 => String::new(),
        taken => alloc::format!("; {taken} in use by something else"),
    };
    Some(alloc::format!("performance counters: {}{taken}", passes.join(" | ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::scripted::{ScriptedCounters, ScriptedPlatform};

    #[test]
    fn counters_are_told_by_pass() {
        let platform =
            ScriptedPlatform { counters: Some(ScriptedCounters::default()), ..ScriptedPlatform::default() };
        let expected =
            "performance counters: cycles, instructions | branch_misses; 1 in use by something else";
        assert_eq!(describe(&platform).as_deref(), Some(expected));
    }

    #[test]
    fn a_process_is_not_told_that_it_has_none() {
        assert_eq!(describe(&ScriptedPlatform::default()), None);
    }

    #[test]
    fn a_machine_is_told_why_it_has_none() {
        let platform = ScriptedPlatform { is_process: false, ..ScriptedPlatform::default() };
        assert_eq!(describe(&platform).as_deref(), Some("no performance counters: CPUID lists no counters"));
    }
}
