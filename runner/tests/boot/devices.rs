//! Disks and network cards of QEMU, driven by the kernel.

use std::ffi::OsString;
use std::fs;

use crc::{CRC_32_ISO_HDLC, Crc};
use perf_kernel::wire::{BenchRecord, Status};
use runner::collect::{Boot, BootEnd};

use crate::harness::{Bench, fault_image, figure};

const BLOCK: usize = 512;
const BLOCKS: usize = 4096;
/// The blocks of the first partition, for the kernel to write to if it is a scratch partition.
const SCRATCH: std::ops::Range<usize> = 34..2048;

/// Types of partitions, as they stand on a disk: 7d2e0f6b-94c1-4b57-9c3a-5e8f16d4a0b2, which the kernel may write to,
/// and that of Linux data, 0fc63daf-8483-4772-8e79-3d69d8477de4.
const SCRATCH_TYPE: [u8; 16] =
    [0x6b, 0x0f, 0x2e, 0x7d, 0xc1, 0x94, 0x57, 0x4b, 0x9c, 0x3a, 0x5e, 0x8f, 0x16, 0xd4, 0xa0, 0xb2];
const DATA_TYPE: [u8; 16] =
    [0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4];

/// A disk with two partitions in a GPT (UEFI 2.10, section 5.3): one of type `first` on [`SCRATCH`], and data after it.
/// Every block that is not part of the table has bytes of its own.
fn partitioned(first: [u8; 16]) -> Vec<u8> {
    const ENTRIES_BYTES: usize = 128 * 128;
    const ENTRIES_BLOCKS: usize = ENTRIES_BYTES / BLOCK;
    let mut entries = vec![0; ENTRIES_BYTES];
    let partitions = [(first, SCRATCH), (DATA_TYPE, SCRATCH.end..BLOCKS - 33)];
    for ((entry, (kind, blocks)), number) in entries.chunks_exact_mut(128).zip(partitions).zip(1_u8..) {
        entry[..16].copy_from_slice(&kind);
        entry[16..32].fill(number);
        entry[32..40].copy_from_slice(&word(blocks.start));
        entry[40..48].copy_from_slice(&word(blocks.end - 1));
    }
    let mut disk: Vec<u8> = (0..BLOCKS).flat_map(|block| [word(block)[0] ^ 0x5a; BLOCK]).collect();
    disk[..BLOCK].fill(0);
    disk[450] = 0xee;
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    let last = BLOCKS - 1;
    for (own, other, place) in [(1, last, 2), (last, 1, last - ENTRIES_BLOCKS)] {
        disk[own * BLOCK..][..BLOCK].copy_from_slice(&header(own, other, place, &entries));
        disk[place * BLOCK..][..ENTRIES_BYTES].copy_from_slice(&entries);
    }
    disk
}

fn header(own: usize, other: usize, place: usize, entries: &[u8]) -> [u8; BLOCK] {
    const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    const BYTES: usize = 92;
    let mut header = [0; BLOCK];
    header[..8].copy_from_slice(b"EFI PART");
    header[8..16].copy_from_slice(&[0, 0, 1, 0, 92, 0, 0, 0]);
    for (at, value) in [(24, own), (32, other), (40, SCRATCH.start), (48, BLOCKS - 34), (72, place)] {
        header[at..at + 8].copy_from_slice(&word(value));
    }
    header[56..72].fill(0x77);
    header[80..88].copy_from_slice(&[128, 0, 0, 0, 128, 0, 0, 0]);
    header[88..92].copy_from_slice(&CRC.checksum(entries).to_le_bytes());
    let sum = CRC.checksum(&header[..BYTES]);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
    header
}

fn word(value: usize) -> [u8; 8] {
    u64::try_from(value).expect("a machine word").to_le_bytes()
}

/// The disks of a machine: with a scratch partition, without one, and without a table but named in the plan.
const DISKS: [&str; 3] = ["scratch", "other", "named"];

/// Three disks of the kind `model`, which take their serial numbers from their names.
fn three_disks(bench: &Bench, model: &str) -> Vec<OsString> {
    let contents = [partitioned(SCRATCH_TYPE), partitioned(DATA_TYPE), vec![0xc3; BLOCKS * BLOCK]];
    let mut words = Vec::new();
    for (name, bytes) in DISKS.into_iter().zip(contents) {
        let path = bench.path(name);
        fs::write(&path, bytes).expect("room");
        let drive = format!("if=none,id={name},format=raw,file={}", path.display());
        let device = format!("{model},drive={name},serial={name}");
        words.extend(["-drive", &drive, "-device", &device].map(OsString::from));
    }
    words
}

/// The only bench of `boot`, which was measured.
fn measured(boot: &Boot) -> &BenchRecord {
    assert_eq!(boot.end, BootEnd::Done, "{boot:#?}");
    let [record] = boot.benches.as_slice() else { panic!("one bench: {boot:#?}") };
    assert_eq!(record.status, Status::Measured, "{boot:#?}");
    record
}

/// A second boot finds what the first wrote, and nothing else has changed on the host.
fn writes_last_and_stay_where_they_may(firmware: &str, model: &str) {
    let bench = Bench::new("");
    let devices = three_disks(&bench, model);
    let contents = || DISKS.map(|name| fs::read(bench.path(name)).expect("the disk is there"));
    let boot = |id: &str| {
        let plan = format!("filter = [\"{id}\"]\nscratch_disks = [\"named\"]\nexit_port = 244\n");
        bench.boot_devices(firmware, &fault_image(firmware), &plan, "transcript", devices.clone())
    };
    let before = contents();
    let written = boot("device/block-write-read");
    let counts = |record: &BenchRecord| (figure(record, "disks"), figure(record, "disks_refused"));
    assert_eq!(counts(measured(&written)), (Some(2), Some(1)));
    let after = contents();
    let reread = boot("device/block-reread");
    assert_eq!(counts(measured(&reread)), (Some(2), Some(1)));
    assert!(contents() == after, "reading changes no disk");

    let [scratch, other, named] = before;
    let [scratch_after, other_after, named_after] = after;
    assert!(other == other_after, "a disk that is refused stays as it is to the byte");
    assert!(named != named_after, "a disk that the plan names is written to");
    let inside = SCRATCH.start * BLOCK..SCRATCH.end * BLOCK;
    assert!(scratch[inside.clone()] != scratch_after[inside.clone()], "a scratch partition is written to");
    let pairs = scratch.iter().zip(&scratch_after).enumerate();
    let is_same = pairs.filter(|(at, _)| !inside.contains(at)).all(|(_, (old, new))| old == new);
    assert!(is_same, "nothing around it is");
}

#[test]
fn devices_that_a_crashed_bench_leaves_running_are_stopped_and_start_again() {
    let bench = Bench::new("");
    let mut devices = three_disks(&bench, "nvme");
    devices.extend(lines(&["e1000", "virtio-net-pci"]));
    let filter = r#"["device/abandon", "device/block-write-read", "device/net-arp", "device/entropy"]"#;
    let plan = format!("filter = {filter}\nexit_port = 244\n");
    let boot = bench.boot_devices("bios", &fault_image("bios"), &plan, "transcript", devices);
    assert_eq!(boot.end, BootEnd::FailedBenches, "{boot:#?}");
    let [abandoned, written, asked, gathered] = boot.benches.as_slice() else {
        panic!("four benches: {boot:#?}")
    };
    let crash = abandoned.crash.as_ref().expect("its crash");
    assert!(crash.cause == "panic" && crash.message.contains("on purpose"), "{crash:#?}");
    assert_eq!((written.status, asked.status), (Status::Measured, Status::Measured), "{boot:#?}");
    assert_eq!(gathered.status, Status::Skipped, "there is no source of random bytes: {boot:#?}");
    let reason = gathered.reason.as_deref().unwrap_or_default();
    assert!(reason.contains("no source of random bytes"), "{reason}");
}

/// A card of each of `models`, each on a line of its own to QEMU's gateway alone.
fn lines(models: &[&str]) -> Vec<OsString> {
    let mut words = Vec::new();
    for (number, model) in models.iter().enumerate() {
        let line = format!("user,id=line{number},restrict=on");
        let device = format!("{model},netdev=line{number}");
        words.extend(["-netdev", &line, "-device", &device].map(OsString::from));
    }
    words
}

/// On four CPUs the interrupts go to the one whose thread waits.
#[test]
fn each_read_is_told_by_one_interrupt() {
    for profile in ["bios", "smp4"] {
        let bench = Bench::new("");
        let mut devices = three_disks(&bench, "nvme");
        let path = bench.path("more");
        fs::write(&path, vec![0; BLOCKS * BLOCK]).expect("room");
        // So slow that most of its reads are waited for, however busy this machine is.
        let slow = "throttling.iops-total=100";
        let drive = format!("if=none,id=more,format=raw,{slow},file={}", path.display());
        devices.extend(["-drive", &drive, "-device", "virtio-blk-pci,drive=more"].map(OsString::from));
        let plan = "filter = [\"device/block-interrupts\"]\nexit_port = 244\n";
        let boot = bench.boot_devices(profile, &fault_image("bios"), plan, "transcript", devices);
        let record = measured(&boot);
        assert_eq!(figure(record, "interrupts"), Some(4 * 64));
        assert!(figure(record, "waits").is_some_and(|waits| waits > 0), "nobody waited: {record:#?}");
    }
}

#[test]
fn a_line_of_an_io_apic_interrupts_once_for_each_time_that_it_is_raised() {
    for profile in ["bios", "smp4"] {
        let bench = Bench::new("");
        let plan = "filter = [\"device/line-interrupts\"]\nexit_port = 244\n";
        let boot = bench.boot_devices(profile, &fault_image("bios"), plan, "transcript", Vec::new());
        assert_eq!(figure(measured(&boot), "interrupts"), Some(64));
    }
}

fn cards_reach_the_gateway_and_sources_give_seeds(firmware: &str, cards: &[&str], sources: &[&str]) {
    let bench = Bench::new("");
    let mut devices = lines(cards);
    devices.extend(sources.iter().flat_map(|model| ["-device", model]).map(OsString::from));
    let plan = "filter = [\"device/net-arp\", \"device/entropy\"]\nexit_port = 244\n";
    let boot = bench.boot_devices(firmware, &fault_image(firmware), plan, "transcript", devices);
    assert_eq!(boot.end, BootEnd::Done, "{boot:#?}");
    let [asked, gathered] = boot.benches.as_slice() else { panic!("two benches: {boot:#?}") };
    assert_eq!((asked.status, gathered.status), (Status::Measured, Status::Measured), "{boot:#?}");
    assert_eq!(figure(asked, "cards"), u64::try_from(cards.len()).ok());
    assert_eq!(figure(gathered, "sources"), u64::try_from(sources.len()).ok());
}

#[test]
fn writes_to_nvme_disks_last_and_stay_where_they_may() {
    writes_last_and_stay_where_they_may("bios", "nvme");
}

// This firmware puts their registers above 4 GiB.
#[test]
fn writes_to_nvme_disks_under_uefi_last_and_stay_where_they_may() {
    writes_last_and_stay_where_they_may("uefi", "nvme");
}

#[test]
fn cards_reach_the_gateway() {
    let cards = ["e1000", "e1000e", "virtio-net-pci"];
    cards_reach_the_gateway_and_sources_give_seeds("bios", &cards, &["virtio-rng-pci"; 2]);
}

#[test]
fn cards_under_uefi_reach_the_gateway() {
    let cards = ["e1000", "e1000e", "virtio-net-pci,disable-legacy=on"];
    cards_reach_the_gateway_and_sources_give_seeds("uefi", &cards, &["virtio-rng-pci,disable-legacy=on"]);
}

#[test]
fn writes_to_virtio_disks_last_and_stay_where_they_may() {
    writes_last_and_stay_where_they_may("bios", "virtio-blk-pci");
}

#[test]
fn writes_to_virtio_disks_without_older_registers_last_and_stay_where_they_may() {
    writes_last_and_stay_where_they_may("uefi", "virtio-blk-pci,disable-legacy=on");
}
