//! What the run ran on and how its boots went.

use maud::{Markup, html};
use perf_kernel::wire::{Clock, Machine, Mode};

use super::view::View;
use super::{boots, parts};
use crate::analysis::{count, nanoseconds};
use crate::report::clean::clean;
use crate::report::quantity::{bytes, frequency, time};
use crate::report::{header, words};
use crate::store::Run;

/// The processor in a few words.
pub(super) fn machine_name(run: &Run) -> String {
    let machine = run.boots.iter().find_map(|stored| stored.boot.machine.as_ref());
    machine.map_or_else(|| "a machine that did not tell what it is".to_owned(), cpu_name)
}

fn cpu_name(machine: &Machine) -> String {
    let cpu = &machine.cpu;
    let name = if cpu.brand.trim().is_empty() { &cpu.vendor } else { &cpu.brand };
    clean(name.trim()).into_owned()
}

pub(super) fn environment(view: &View<'_>) -> Markup {
    let run = &view.assessment.run;
    let machine = run.boots.iter().find_map(|stored| stored.boot.machine.as_ref());
    let clock = run.boots.iter().find_map(|stored| stored.boot.clock.as_ref());
    html! {
        section id="environment" {
            h2 { "Environment" }
            div.columns {
                div { h3 { "Machine" } (machine_facts(view, machine)) }
                div {
                    h3 { "Clock" } (clock_facts(clock))
                    h3 { "Image and plan" } (image_facts(run))
                }
            }
            @if let Some(machine) = machine { (features(machine)) }
            @if let Some(clock) = clock { (sources(clock)) }
            @if let Some(plan) = &run.head.plan {
                details { summary { "Plan" } pre { (clean_lines(plan)) } }
            }
            (boots::boots(run))
        }
    }
}

fn machine_facts(view: &View<'_>, machine: Option<&Machine>) -> Markup {
    let Some(machine) = machine else { return html! { p { "Not known: its record did not arrive." } } };
    let cpu = &machine.cpu;
    let caches: Vec<String> = cpu
        .caches
        .iter()
        .map(|cache| {
            format!("L{} {}, line {}", cache.level, bytes(count(cache.size.0)), bytes(count(cache.line.0)))
        })
        .collect();
    let firmware = [&machine.firmware.kind, &machine.firmware.vendor].map(|text| clean(text)).join(" ");
    let microcode = cpu.microcode.map_or_else(|| "cannot be read".to_owned(), |it| format!("{it:#x}"));
    let hypervisor = machine.hypervisor.as_deref().map_or("none".into(), clean);
    let model = format!("family {}, model {}, stepping {}", cpu.family, cpu.model, cpu.stepping);
    parts::facts(&[
        ("processor", html! { (cpu_name(machine)) }),
        ("model", html! { (model) }),
        ("microcode", html! { (microcode) }),
        ("CPUs", html! { (machine.cpus_started) " of " (machine.cpus_present) " run" }),
        ("caches", html! { @for cache in caches { (cache) br; } }),
        ("memory", html! { (bytes(count(machine.memory.0))) ", heap " (bytes(count(machine.heap.0))) }),
        ("firmware", html! { (firmware.trim()) }),
        ("hypervisor", html! { (hypervisor) }),
        ("console", html! { (clean(&machine.console.kind)) " " (clean(&machine.console.place)) }),
        ("fingerprint", html! { code { (clean(&view.assessment.machine)) } }),
    ])
}

fn clock_facts(clock: Option<&Clock>) -> Markup {
    let Some(clock) = clock else {
        return html! { p { "Not known: its record did not arrive, so ticks stay ticks." } };
    };
    let is_exact = clock.mode == Mode::Icount;
    let overhead = if is_exact {
        format!("{} instructions", clock.overhead_ticks)
    } else {
        nanoseconds(count(clock.overhead_ticks), clock.frequency).map(time).unwrap_or_default()
    };
    let agreement = match clock.disagreement {
        Some(distance) => format!("within {} ppm", distance.0),
        None => "fewer than two independent clocks".to_owned(),
    };
    let tick = if is_exact { "one instruction".to_owned() } else { frequency(count(clock.frequency.0)) };
    parts::facts(&[
        ("mode", html! { strong { (clock.mode.name()) } ", " (header::meaning(clock.mode)) }),
        ("tick", html! { (tick) }),
        (
            "agreement",
            html! {
                (agreement) " "
                @if clock.is_valid { (parts::badge("met", "\u{2713}", "valid")) } @else { (parts::badge("failed", "\u{d7}", "the clocks disagree")) }
            },
        ),
        (
            "constant rate",
            html! { @if clock.is_invariant { "promised by CPUID" } @else { "not promised by CPUID" } },
        ),
        ("empty timed region", html! { (words::typeset(&overhead)) }),
        ("note", html! { @if clock.note.is_empty() { "none" } @else { (clean(&clock.note)) } }),
    ])
}

fn image_facts(run: &Run) -> Markup {
    let hello = run.boots.iter().find_map(|stored| stored.boot.hello.as_ref());
    let mut facts = Vec::new();
    if let Some(hello) = hello {
        facts.push(("image", html! { code { (clean(&hello.image_hash)) } }));
        facts.push(("kernel", html! { "perf-kernel " (clean(&hello.version)) }));
        if !hello.compiler.is_empty() {
            facts.push(("compiler", html! { (clean(&hello.compiler)) }));
        }
    }
    if let Some(revision) = &run.head.revision {
        facts.push(("revision", html! { code { (clean(revision)) } }));
    }
    facts.push(("plan", html! { (header::plan(run)) }));
    parts::facts(&facts)
}

fn features(machine: &Machine) -> Markup {
    let names = &machine.cpu.features;
    html! {
        @if !names.is_empty() {
            details {
                summary { "CPU features that choose code paths" span.count { (names.len()) } }
                p.features { @for name in names { code { (clean(name)) } " " } }
            }
        }
    }
}

fn sources(clock: &Clock) -> Markup {
    html! {
        @if !clock.sources.is_empty() {
            details {
                summary { "Clocks that the counter was measured against" span.count { (clock.sources.len()) } }
                table {
                    caption.hidden { "Clocks that the counter was measured against" }
                    thead {
                        tr { th scope="col" { "clock" } th.number scope="col" { "frequency of the counter" } th.number scope="col" { "uncertainty" } }
                    }
                    tbody {
                        @for source in &clock.sources {
                            tr {
                                th scope="row" { (clean(&source.name)) }
                                td.number { (format!("{:.6} GHz", count(source.frequency.0) / 1e9)) }
                                td.number { (source.uncertainty.0) " ppm" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Text of many lines, each made harmless.
pub(super) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}
