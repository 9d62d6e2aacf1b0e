//! Records for tests: the shapes of a real boot with figures that are easy to check by hand.

use perf_kernel::units::{Bytes, Hertz, PartsPerMillion, Ticks};
use perf_kernel::wire::{
    BenchRecord, CacheLevel, Clock, ClockSource, Console, Cpu, Firmware, Hello, Machine, Mode, SampleSummary,
    Status, SystemUse, WarmUp, Windows,
};

/// A clock of 2 GHz (1 GHz where a tick is an instruction).
pub(crate) fn clock(mode: Mode) -> Clock {
    let frequency = Hertz(if mode == Mode::Icount { 1_000_000_000 } else { 2_000_000_000 });
    let source = |name: &str| ClockSource { name: name.into(), frequency, uncertainty: PartsPerMillion(5) };
    Clock {
        mode,
        frequency,
        is_invariant: true,
        sources: vec![source("hpet"), source("pit")],
        disagreement: Some(PartsPerMillion(12)),
        is_valid: true,
        note: String::new(),
        overhead_ticks: 40,
    }
}

/// A machine of two CPUs.
pub(crate) fn machine() -> Machine {
    Machine {
        cpu: Cpu {
            vendor: "AuthenticAMD".into(),
            brand: "Example 9000 Processor".into(),
            family: 25,
            model: 1,
            stepping: 1,
            microcode: Some(0x0a00_1234),
            features: vec!["aes".into(), "avx2".into()],
            caches: vec![
                CacheLevel { level: 1, size: Bytes(32 << 10), line: Bytes(64) },
                CacheLevel { level: 2, size: Bytes(512 << 10), line: Bytes(64) },
            ],
        },
        cpus_present: 2,
        cpus_started: 1,
        memory: Bytes(512 << 20),
        heap: Bytes(256 << 20),
        firmware: Firmware { kind: "bios".into(), vendor: "BOCHS".into() },
        hypervisor: Some("TCGTCGTCGTCG".into()),
        console: Console { kind: "uart".into(), place: "port 0x3f8 (SPCR)".into() },
    }
}

/// The first record of a boot.
pub(crate) fn hello(nonce: &str, benches_planned: u32) -> Hello {
    Hello {
        format_version: perf_kernel::wire::FORMAT_VERSION,
        nonce: nonce.into(),
        image_hash: "9f3c21d0a1b2c3d4e5f60718293a4b5c".into(),
        plan_hash: "00112233445566778899aabbccddeeff".into(),
        version: "0.1.0".into(),
        compiler: "rustc 1.96.0".into(),
        benches_planned,
        entry_ticks: Ticks(1_000_000),
        resumes: None,
    }
}

/// A measured bench: 1,000 samples of `iterations` with a median of `p50_ticks`.
pub(crate) fn bench(id: &str, p50_ticks: u64, iterations: u64) -> BenchRecord {
    let n = 1_000;
    BenchRecord {
        status: Status::Measured,
        reason: None,
        iterations,
        summary: Some(SampleSummary {
            n,
            min: p50_ticks - p50_ticks / 10,
            mean_milli: p50_ticks * 1_010,
            deviation_milli: p50_ticks * 20,
            mad: p50_ticks / 50,
            p50: p50_ticks,
            p90: p50_ticks + p50_ticks / 10,
            p95: p50_ticks + p50_ticks / 5,
            p99: p50_ticks + p50_ticks / 2,
            p999: None,
            max: p50_ticks * 3,
        }),
        windows: Some(Windows {
            samples: 100,
            ticks_total: p50_ticks * 1_010,
            ticks_best: p50_ticks * 95,
            ticks_worst: p50_ticks * 110,
        }),
        attempts: n * iterations,
        successes: n * iterations,
        warm_up: Some(WarmUp { batches: 4, is_settled: true }),
        overhead_ticks: 40,
        checksum: Some("0123456789abcdef".into()),
        system: SystemUse { elapsed_ticks: p50_ticks * 1_100, ..SystemUse::default() },
        ..skipped(id, "")
    }
}

/// A bench that could not run, for `reason`.
pub(crate) fn skipped(id: &str, reason: &str) -> BenchRecord {
    BenchRecord { reason: Some(reason.into()), ..BenchRecord::new(id.into(), Status::Skipped) }
}
