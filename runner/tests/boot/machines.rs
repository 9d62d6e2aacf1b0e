//! The same image on machines that differ.

use std::collections::BTreeSet;
use std::fs;

use crate::harness::{Bench, image};

/// Short benches that between them use the heap, the frames, the ciphers and the clock.
const FILTERS: [&str; 5] = [
    "env/",
    "memory/alloc-small/64",
    "memory/frame-alloc/4ki",
    "security/seal-aes256gcm/64",
    "security/sign",
];
const BENCHES: usize = 9;

fn boots_and_measures(firmware: &str, cpu: &str, memory_mib: u32) {
    let keys = format!("firmware = \"{firmware}\"\ncpu = \"{cpu}\"\nmemory_mib = {memory_mib}\n");
    let bench = Bench::new(&keys);
    let called = bench.boot(&image(firmware), "test", &FILTERS, &[]);
    assert_eq!(called.code, 0, "{called:#?}");
    let results = bench.results();
    let boot = &results["boots"][0];
    assert_eq!(boot["end"], "done", "{results:#}");
    let benches = boot["benches"].as_array().expect("benches");
    assert_eq!(benches.len(), BENCHES, "{benches:#?}");
    for bench in benches {
        assert_eq!(bench["status"], "measured", "{bench:#}");
        let figure = |name: &str| bench[name].as_f64().expect("a number");
        let in_order = ["min", "p50", "p90", "p95", "p99", "max"].map(figure).is_sorted();
        assert!(in_order && figure("n") >= 10.0, "{bench:#}");
    }
}

#[test]
fn through_bios_with_every_feature_and_little_memory() {
    boots_and_measures("bios", "max", 256);
}

#[test]
fn through_bios_on_an_old_processor_with_much_memory() {
    boots_and_measures("bios", "qemu64", 4096);
}

#[test]
fn through_bios_on_a_processor_whose_counters_are_not_emulated() {
    // Its model promises counters: QEMU swallows writes to them, and does not know RDPMC.
    boots_and_measures("bios", "EPYC-Rome", 256);
}

#[test]
fn through_uefi_with_every_feature_and_much_memory() {
    boots_and_measures("uefi", "max", 4096);
}

#[test]
fn through_uefi_on_an_old_processor_with_little_memory() {
    boots_and_measures("uefi", "qemu64", 256);
}

#[test]
fn a_machine_without_a_uart_shows_its_summary() {
    let bench = Bench::new("inherits = \"no-uart\"");
    let called = bench.boot(&image("bios"), "test", &["env/"], &[]);
    assert!(called.errors.contains("its screen is kept in"), "{called:#?}");
    let folder = fs::read_dir(bench.path("transcripts")).expect("the screen is kept");
    let screen = folder
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|ending| ending == "ppm"))
        .expect("a picture");
    let picture = fs::read(screen).expect("it can be read");
    let pixels = &picture[picture.len() % 3..];
    let colours: BTreeSet<&[u8]> = pixels.chunks_exact(3).collect();
    let lit = pixels.chunks_exact(3).filter(|pixel| pixel.iter().any(|part| *part > 0x80)).count();
    assert!(colours.len() > 8, "text is drawn with soft edges in several colours: {}", colours.len());
    assert!(lit > 5_000, "a page of text lights thousands of pixels: {lit}");
}
