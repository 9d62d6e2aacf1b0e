//! What a run ran on, at the top of a report.

use perf_kernel::plan::{Preset, ScaleChoice};
use perf_kernel::wire::{Clock, Machine, Mode};

use super::clean::clean;
use super::quantity::{bytes, frequency, time};
use super::style::{Palette, Style};
use crate::analysis::{count, nanoseconds};
use crate::collect::{Boot, BootEnd};
use crate::store::Run;

/// Digits of an image hash that are shown.
const HASH_DIGITS: usize = 12;

/// The lines above the table.
pub(super) fn header(run: &Run, palette: Palette) -> String {
    let title = palette.paint(Style::Bold, &format!("Run {}", clean(&run.head.id)));
    let profile = run.head.profile.as_ref().map(|profile| format!(", profile {}", clean(profile)));
    let mut text = format!(
        "{title}  {}  ({}{})\n",
        run.head.started,
        clean(&run.head.command),
        profile.unwrap_or_default()
    );
    let mut add = |label: &str, value: String| {
        text.push_str(&palette.paint(Style::Dim, &format!("  {label:<10}")));
        text.push_str(&value);
        text.push('\n');
    };
    match run.boots.iter().find_map(|stored| stored.boot.machine.as_ref()) {
        Some(machine) => add_machine(machine, &mut add),
        None => add("machine", "not known: its record did not arrive".to_owned()),
    }
    match run.boots.iter().find_map(|stored| stored.boot.clock.as_ref()) {
        Some(clock) => add_clock(clock, palette, &mut add),
        None => add("clock", "not known: its record did not arrive, so ticks stay ticks".to_owned()),
    }
    add("plan", plan(run));
    if let Some(hello) = run.boots.iter().find_map(|stored| stored.boot.hello.as_ref()) {
        let hash: String = hello.image_hash.chars().take(HASH_DIGITS).collect();
        add("image", format!("{} (perf-kernel {})", clean(&hash), clean(&hello.version)));
    }
    add("boots", boots(run, palette));
    text
}

fn add_machine(machine: &Machine, add: &mut impl FnMut(&str, String)) {
    let cpu = &machine.cpu;
    let name = if cpu.brand.trim().is_empty() { &cpu.vendor } else { &cpu.brand };
    let microcode = cpu.microcode.map(|revision| format!(", microcode {revision:#x}"));
    add(
        "machine",
        format!(
            "{}, family {} model {} stepping {}{}",
            clean(name.trim()),
            cpu.family,
            cpu.model,
            cpu.stepping,
            microcode.unwrap_or_default()
        ),
    );
    let hypervisor = machine.hypervisor.as_ref().map(|vendor| format!(", hypervisor {}", clean(vendor)));
    add(
        "",
        format!(
            "{} of {} CPUs running, memory {}, heap {}{}",
            machine.cpus_started,
            machine.cpus_present,
            bytes(count(machine.memory.0)),
            bytes(count(machine.heap.0)),
            hypervisor.unwrap_or_default()
        ),
    );
    let vendor = clean(&machine.firmware.vendor);
    let vendor = if vendor.is_empty() { String::new() } else { format!(" ({vendor})") };
    let console = format!("{} {}", clean(&machine.console.kind), clean(&machine.console.place));
    add("firmware", format!("{}{vendor}, console {}", clean(&machine.firmware.kind), console.trim_end()));
}

fn add_clock(clock: &Clock, palette: Palette, add: &mut impl FnMut(&str, String)) {
    let agreement = clock.disagreement.map(|distance| format!(" within {} ppm", distance.0));
    let names: Vec<_> = clock.sources.iter().map(|source| clean(&source.name)).collect();
    let sources = match names.as_slice() {
        [] => "no other clock to check it by".to_owned(),
        [one] => format!("by {one} alone"),
        [first @ .., last] => {
            format!("by {} and {last}{}", first.join(", "), agreement.unwrap_or_default())
        }
    };
    let trouble = if clock.is_valid {
        String::new()
    } else {
        palette.paint(Style::Bad, "; the clocks DISAGREE, so that no time here can be trusted")
    };
    if clock.mode == Mode::Icount {
        add(
            "clock",
            format!("one tick is one instruction; an empty timed region takes {}", clock.overhead_ticks),
        );
    } else {
        let rate = frequency(count(clock.frequency.0));
        let overhead = nanoseconds(count(clock.overhead_ticks), clock.frequency);
        let overhead = overhead.map(|overhead| format!("; an empty timed region takes {}", time(overhead)));
        add("clock", format!("{rate} {sources}{trouble}{}", overhead.unwrap_or_default()));
    }
    // Under emulation the kernel's note says the same in its own words.
    let note = if clock.note.is_empty() || !clock.mode.has_meaningful_time() {
        String::new()
    } else {
        format!("; {}", clean(&clock.note))
    };
    add("mode", format!("{}: {}{note}", palette.paint(Style::Bold, clock.mode.name()), meaning(clock.mode)));
}

pub(super) const fn meaning(mode: Mode) -> &'static str {
    match mode {
        Mode::Hardware => "a real machine",
        Mode::Kvm => "a virtual machine on the CPU's own virtualisation",
        Mode::Tcg => "emulated, so that times say nothing about the speed of a machine",
        Mode::Icount => "emulated and exact, figures are instructions",
        Mode::Hosted => "a Linux process",
    }
}

pub(super) fn plan(run: &Run) -> String {
    let Some(plan) = run.plan() else { return "not known".to_owned() };
    let preset = match plan.preset {
        Preset::Quick => "quick",
        Preset::Standard => "standard",
        Preset::Full => "full",
    };
    let scales = match plan.scales {
        ScaleChoice::Smallest => "smallest scales",
        ScaleChoice::Middle => "scales up to the middle",
        ScaleChoice::All => "all scales",
    };
    let filter: Vec<_> = plan.filter.iter().map(|filter| clean(filter)).collect();
    let only = if filter.is_empty() { String::new() } else { format!(", only {}", filter.join(" ")) };
    format!("{preset}, {scales}, seed {}{only}", plan.seed)
}

/// How the boots ended: equal ends are said once.
fn boots(run: &Run, palette: Palette) -> String {
    let mut ends: Vec<(String, usize)> = Vec::new();
    for stored in &run.boots {
        let text = end(&stored.boot, palette);
        match ends.iter_mut().find(|(known, _)| *known == text) {
            Some((_, times)) => *times += 1,
            None => ends.push((text, 1)),
        }
    }
    match ends.as_slice() {
        [] => "none".to_owned(),
        [(text, times)] => format!("{times}: {text}"),
        many => many.iter().map(|(text, times)| format!("{times} {text}")).collect::<Vec<_>>().join(", "),
    }
}

fn end(boot: &Boot, palette: Palette) -> String {
    let style = if boot.end == BootEnd::Done { Style::Good } else { Style::Bad };
    let mut text = palette.paint(style, end_name(boot.end));
    let bench = boot.bench_running.as_ref().filter(|bench| !boot.end_detail.contains(*bench));
    if let Some(bench) = bench.filter(|_| boot.end != BootEnd::Done) {
        text.push_str(&format!(" in {}", clean(bench)));
    }
    if !boot.end_detail.is_empty() {
        text.push_str(&format!(" ({})", clean(&boot.end_detail)));
    }
    text
}

/// The words for `end` in reports.
pub(super) const fn end_name(end: BootEnd) -> &'static str {
    match end {
        BootEnd::Done => "done",
        BootEnd::FailedBenches => "failed benches",
        BootEnd::Crashed => "crashed",
        BootEnd::Hung => "hung",
        BootEnd::PowerLost => "power lost",
        BootEnd::Refused => "refused",
        BootEnd::Interrupted => "interrupted",
    }
}
