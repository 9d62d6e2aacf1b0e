//! Two sides in one process, both of them this build: what an A/B image adds to an ordinary one.

use perf_kernel::plan::Plan;
use perf_kernel::platform::hosted::HostedPlatform;
use perf_kernel::run::{NoProgress, boot};
use perf_kernel::wire::{
    BenchRecord, Decoder, EndReason, Event, Frame, Link, LinkError, Record, Sender, Side, Status,
};

extern crate multios_core as multios_core_base;
extern crate perf_kernel as perf_kernel_base;

#[path = "../src/ab/hosted.rs"]
mod subjects;

/// A line whose bytes are kept.
#[derive(Default)]
struct Line(Vec<u8>);

impl Link for Line {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn receive(&mut self) -> Option<u8> {
        None
    }
}

fn benches(plan: &Plan) -> (EndReason, Vec<BenchRecord>) {
    let platform = HostedPlatform::new(subjects::memory());
    let mut sender = Sender::new(Line::default());
    let reason = boot(&platform, &mut sender, plan, subjects::subjects(), &mut NoProgress);
    let bench = |event| match event {
        Event::Frame(frame) => {
            let frame: Frame = *frame;
            let Record::Bench(record) = frame.record else { return None };
            Some(*record)
        }
        other => panic!("no frame: {other:?}"),
    };
    (reason, Decoder::new().push(&sender.link_mut().0).into_iter().filter_map(bench).collect())
}

/// One test, as the sides are those of the process.
#[test]
fn every_bench_is_measured_on_both_sides_each_with_its_own_heap() {
    let plan = Plan {
        filter: [
            "env/pause",
            "memory/alloc-small",
            "memory/frame-alloc",
            "kernel/syscall-null",
            "memory/tlb-miss",
        ]
        .map(str::to_owned)
        .into(),
        rounds: Some(2),
        warm_up_ms_max: 2,
        sampling_ms_max: 4,
        samples_max: 100,
        ..Plan::quick()
    };
    let (reason, records) = benches(&plan);
    assert_eq!(reason, EndReason::Done);
    let of_bench = |id: &str| -> Vec<&BenchRecord> {
        records.iter().filter(|record| record.id.starts_with(id)).collect()
    };
    for id in ["env/pause", "memory/alloc-small/16", "memory/frame-alloc/4ki"] {
        let (a, b) = (Some(Side::Base), Some(Side::Candidate));
        let order: Vec<_> = of_bench(id).iter().map(|record| (record.side, record.round)).collect();
        let expected = [a, b, b, a].map(|side| (side, Some(0)));
        assert_eq!(order[..4], expected, "{id}");
        assert_eq!(order[4..], [b, a, a, b].map(|side| (side, Some(1))), "{id}");
        assert!(of_bench(id).iter().all(|record| record.status == Status::Measured), "{:?}", of_bench(id));
    }
    let memory = of_bench("memory/alloc-small/16").into_iter().map(|record| record.memory.as_ref());
    let peaks: Vec<u64> = memory.map(|memory| memory.expect("it was measured").peak.0).collect();
    assert!(peaks.iter().all(|peak| *peak == peaks[0] && *peak >= 16), "{peaks:?}");
    let skipped = of_bench("memory/tlb-miss").into_iter().chain(of_bench("kernel/syscall-null"));
    assert!(skipped.into_iter().all(|record| record.status == Status::Skipped));
}
