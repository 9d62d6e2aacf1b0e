//! How a kernel stopped: what it said and where it was.

use perf_kernel::wire::{Crash, Registers};

use super::clean::clean;
use super::style::{Palette, Style};
use crate::store::StoredBoot;

/// The crashes of `boots`, each once, with registers and backtrace; empty without any.
pub(super) fn crashes(boots: &[StoredBoot], palette: Palette) -> String {
    let mut text = String::new();
    let mut told: Vec<(&StoredBoot, &Crash)> = Vec::new();
    for stored in boots {
        let of_benches = stored.boot.benches.iter().filter_map(|bench| {
            Some((bench.crash.as_deref()?, "went on after a crash", stored.bench_frames(&bench.id)))
        });
        let own = stored.boot.crash.iter().map(|crash| (crash, "crashed", stored.own_frames()));
        for (crash, what, frames) in of_benches.chain(own) {
            let title = title(stored.number, what, crash);
            text.push_str(&format!("\n{}\n", palette.paint(Style::Bad, &title)));
            match told.iter().find(|(_, known)| is_same(known, crash)) {
                Some((first, _)) => text.push_str(&format!("  as boot {}\n", first.number)),
                None => {
                    text.push_str(&details(frames, crash, palette));
                    told.push((stored, crash));
                }
            }
        }
    }
    text
}

/// `what` is what the boot did: it crashed, or ended a bench that did and went on.
fn title(number: u32, what: &str, crash: &Crash) -> String {
    let bench = crash.bench.as_ref();
    let place = bench.map_or_else(|| "outside benches".to_owned(), |bench| format!("in {}", clean(bench)));
    format!("Boot {number} {what} {place}, on CPU {}", crash.cpu)
}

/// Whether two crashes have the same cause at the same place; registers may differ.
fn is_same(a: &Crash, b: &Crash) -> bool {
    (&a.cause, &a.message, &a.bench, &a.backtrace) == (&b.cause, &b.message, &b.bench, &b.backtrace)
}

fn details(frames: &[String], crash: &Crash, palette: Palette) -> String {
    let mut text = format!("  {}: {}\n", clean(&crash.cause), clean(&crash.message));
    if let Some(registers) = &crash.registers {
        text.push_str(&register_lines(registers));
    }
    text + &backtrace(crash, frames, palette)
}

fn register_lines(registers: &Registers) -> String {
    let r = registers;
    let rows: [[(&str, u64); 4]; 6] = [
        [("rip", r.rip), ("rsp", r.rsp), ("rbp", r.rbp), ("rflags", r.rflags)],
        [("rax", r.rax), ("rbx", r.rbx), ("rcx", r.rcx), ("rdx", r.rdx)],
        [("rsi", r.rsi), ("rdi", r.rdi), ("r8", r.r8), ("r9", r.r9)],
        [("r10", r.r10), ("r11", r.r11), ("r12", r.r12), ("r13", r.r13)],
        [("r14", r.r14), ("r15", r.r15), ("cr2", r.cr2), ("cr3", r.cr3)],
        [("cs", r.cs), ("ss", r.ss), ("error", r.error_code), ("", 0)],
    ];
    let cell = |(name, value): &(&str, u64)| format!("{name:>6} {value:016x}");
    let line = |row: &[(&str, u64); 4]| {
        let cells: Vec<_> = row.iter().filter(|(name, _)| !name.is_empty()).map(cell).collect();
        format!("  {}\n", cells.join(" "))
    };
    rows.iter().map(line).collect()
}

fn backtrace(crash: &Crash, frames: &[String], palette: Palette) -> String {
    let mut text = String::new();
    if frames.is_empty() {
        for address in &crash.backtrace {
            let in_file = address.wrapping_sub(crash.image_base);
            text.push_str(&format!("    {address:#018x} (at {in_file:#x} in the kernel's ELF file)\n"));
        }
    }
    for frame in frames {
        text.push_str(&format!("    {}\n", clean(frame)));
    }
    if text.is_empty() { text } else { format!("  {}\n{text}", palette.paint(Style::Dim, "backtrace")) }
}
