//! What two runs must have in common to be compared.

use std::collections::BTreeMap;

use perf_kernel::plan::Plan;
use perf_kernel::wire::{Machine, Mode};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::collect::Boot;

/// Everything that figures depend on besides the image, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub BTreeMap<String, String>);

/// A field in which two fingerprints differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: String,
    /// Its value on the first side; `not known` if that side does not tell.
    pub a: String,
    /// Its value on the second side.
    pub b: String,
}

impl Fingerprint {
    /// The fingerprint of what `boot` tells, under `plan`.
    #[must_use]
    pub fn of_boot(boot: &Boot, plan: Option<&Plan>) -> Self {
        let mode = boot.clock.as_ref().map(|clock| clock.mode);
        let compiler = boot.hello.as_ref().map(|hello| hello.compiler.as_str());
        Self::of(boot.machine.as_ref(), mode, plan, compiler.filter(|compiler| !compiler.is_empty()))
    }

    /// A name for people and databases: the XXH3-64 hash of the fields, 16 hex digits.
    #[must_use]
    pub fn name(&self) -> String {
        let mut hash = Xxh3::new();
        for (field, value) in &self.0 {
            // The lengths keep neighbouring texts apart.
            for text in [field, value] {
                hash.update(&text.len().to_le_bytes());
                hash.update(text.as_bytes());
            }
        }
        format!("{:016x}", hash.digest())
    }

    /// The fingerprint of a boot. What is missing is left out, and then differs from what is there.
    ///
    /// Of the plan only what changes figures counts: a filter, a nonce or a UART does not. The compiler counts in exact
    /// mode, where another one emits other instructions for the same source; elsewhere it is part of the image.
    #[must_use]
    pub fn of(
        machine: Option<&Machine>,
        mode: Option<Mode>,
        plan: Option<&Plan>,
        compiler: Option<&str>,
    ) -> Self {
        let mut fields = BTreeMap::new();
        let mut add = |field: &str, value: String| {
            fields.insert(field.to_owned(), value);
        };
        if let Some(mode) = mode {
            add("mode", mode.name().to_owned());
        }
        if let Some(compiler) = compiler.filter(|_| mode == Some(Mode::Icount)) {
            add("compiler", compiler.to_owned());
        }
        if let Some(machine) = machine {
            add_machine(machine, &mut add);
        }
        if let Some(plan) = plan {
            add_plan(plan, mode, &mut add);
        }
        Self(fields)
    }

    /// The fields that differ, in alphabetical order.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let not_known = || "not known".to_owned();
        let fields: std::collections::BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differing = fields.into_iter().filter(|field| self.0.get(*field) != other.0.get(*field));
        differing
            .map(|field| Difference {
                field: field.clone(),
                a: self.0.get(field).cloned().unwrap_or_else(not_known),
                b: other.0.get(field).cloned().unwrap_or_else(not_known),
            })
            .collect()
    }
}

fn add_machine(machine: &Machine, add: &mut impl FnMut(&str, String)) {
    let cpu = &machine.cpu;
    add("cpu.vendor", cpu.vendor.clone());
    add("cpu.brand", cpu.brand.clone());
    add("cpu.family_model_stepping", format!("{}/{}/{}", cpu.family, cpu.model, cpu.stepping));
    add(
        "cpu.microcode",
        cpu.microcode.map_or_else(|| "none".to_owned(), |revision| format!("{revision:#x}")),
    );
    add("cpu.features", cpu.features.join(" "));
    let caches =
        cpu.caches.iter().map(|cache| format!("L{} {} line {}", cache.level, cache.size, cache.line));
    add("cpu.caches", caches.collect::<Vec<_>>().join(", "));
    add("cpus.present", machine.cpus_present.to_string());
    add("cpus.started", machine.cpus_started.to_string());
    add("memory", machine.memory.to_string());
    add("heap", machine.heap.to_string());
    add("firmware.kind", machine.firmware.kind.clone());
    add("firmware.vendor", machine.firmware.vendor.clone());
    add("hypervisor", machine.hypervisor.clone().unwrap_or_else(|| "none".to_owned()));
}

fn add_plan(plan: &Plan, mode: Option<Mode>, add: &mut impl FnMut(&str, String)) {
    add("plan.seed", plan.seed.to_string());
    if mode == Some(Mode::Icount) {
        add("plan.exact_warm_up_instructions_max", plan.exact_warm_up_instructions_max.to_string());
        add("plan.exact_sampling_instructions_max", plan.exact_sampling_instructions_max.to_string());
        add("plan.exact_samples_max", plan.exact_samples_max.to_string());
    } else {
        add("plan.warm_up_ms_max", plan.warm_up_ms_max.to_string());
        add("plan.sampling_ms_max", plan.sampling_ms_max.to_string());
        add("plan.samples_max", plan.samples_max.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn print(machine: &Machine, mode: Mode, plan: &Plan) -> Fingerprint {
        Fingerprint::of(Some(machine), Some(mode), Some(plan), Some("rustc 1"))
    }

    #[test]
    fn another_microcode_is_another_machine() {
        let machine = samples::machine();
        let mut other = machine.clone();
        other.cpu.microcode = None;
        let plan = Plan::quick();
        let differences = print(&machine, Mode::Kvm, &plan).differences(&print(&other, Mode::Kvm, &plan));
        assert_eq!(differences.len(), 1);
        assert_eq!((differences[0].field.as_str(), differences[0].b.as_str()), ("cpu.microcode", "none"));
    }

    #[test]
    fn another_compiler_counts_in_exact_mode_only() {
        let differing = |mode| {
            let of = |compiler| Fingerprint::of(None, Some(mode), None, Some(compiler));
            of("rustc 1").differences(&of("rustc 2")).len()
        };
        assert_eq!((differing(Mode::Icount), differing(Mode::Hardware)), (1, 0));
    }

    #[test]
    fn a_filter_or_a_nonce_does_not_part_two_plans() {
        let machine = samples::machine();
        let plan = Plan { filter: vec!["env/".into()], nonce: "1".into(), ..Plan::quick() };
        let a = print(&machine, Mode::Icount, &plan);
        assert_eq!(a.differences(&print(&machine, Mode::Icount, &Plan::quick())), []);
    }

    #[test]
    fn what_one_side_does_not_tell_is_a_difference() {
        let known = print(&samples::machine(), Mode::Tcg, &Plan::quick());
        let unknown = Fingerprint::of(Some(&samples::machine()), Some(Mode::Tcg), None, None);
        assert!(known.differences(&unknown).iter().all(|difference| difference.b == "not known"));
        assert_eq!(known.differences(&unknown).len(), 4);
    }
}
