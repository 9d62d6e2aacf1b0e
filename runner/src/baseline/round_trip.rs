//! Whatever is exported comes back as it was.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use perf_kernel::wire::{Mode, Status};

use super::{Baseline, BaselineFile, BaselineKind, BaselineName, trimmed};
use crate::analysis::Fingerprint;
use crate::report::{Document, DocumentBench};
use crate::samples;
use crate::store::UnixSeconds;
use crate::store::samples::{boot, run};

fn name() -> impl Strategy<Value = BaselineName> {
    "[a-zA-Z0-9][a-zA-Z0-9_-]{0,20}".prop_map(|text| text.parse().expect("the pattern is that of names"))
}

fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    btree_map("[a-z.]{1,8}", any::<String>(), 0..4).prop_map(Fingerprint)
}

fn cost() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1e3,
        0.0..1e15,
        Just(0.0),
        (0_u64..u64::MAX >> 12).prop_map(|bits| f64::from_bits(bits << 11))
    ]
    .prop_filter("a cost", |value: &f64| value.is_finite() && *value >= 0.0)
}

fn bench(place: usize) -> impl Strategy<Value = DocumentBench> {
    let status = prop_oneof![Just(Status::Measured), Just(Status::Failed), Just(Status::Invalid)];
    (status, cost(), any::<Option<String>>(), any::<u64>(), 1_u64..u64::MAX).prop_map(
        move |(status, p50, reason, attempts, iterations)| {
            let record = samples::bench(&format!("memory/alloc-small/{place}"), 1_000, 10);
            let mut document = trimmed(&run("3f2a91bc", vec![boot(Mode::Kvm, vec![record])]));
            let bench = document.boots.remove(0).benches.remove(0);
            DocumentBench {
                status,
                p50: Some(p50),
                mean: Some(p50 / 3.0),
                reason,
                attempts,
                iterations,
                ..bench
            }
        },
    )
}

fn document() -> impl Strategy<Value = Document> {
    let benches = (1_usize..4).prop_flat_map(|number| (0..number).map(bench).collect::<Vec<_>>());
    let texts = (any::<Option<String>>(), any::<Option<String>>(), any::<String>());
    (vec(benches, 1..3), fingerprint(), texts).prop_map(|(boots, fingerprint, (profile, plan, detail))| {
        let boots: Vec<_> = boots
            .into_iter()
            .map(|mut benches| {
                benches[0].status = Status::Measured;
                let empty = trimmed(&run("3f2a91bc", vec![boot(Mode::Kvm, Vec::new())])).boots.remove(0);
                crate::report::DocumentBoot { benches, end_detail: detail.clone(), ..empty }
            })
            .collect();
        let whole = trimmed(&run("3f2a91bc", vec![boot(Mode::Kvm, Vec::new())]));
        Document { boots, fingerprint, profile, plan, ..whole }
    })
}

fn baseline() -> impl Strategy<Value = Baseline> {
    let kind = prop_oneof![
        document()
            .prop_map(|document| (document.fingerprint.clone(), BaselineKind::Pinned(Box::new(document)))),
        (fingerprint(), 1..u32::MAX)
            .prop_map(|(fingerprint, boots)| (fingerprint, BaselineKind::Rolling { boots })),
    ];
    (name(), kind, any::<u64>(), any::<Option<String>>()).prop_map(
        |(name, (fingerprint, kind), set, accepted)| Baseline {
            name,
            fingerprint,
            set: UnixSeconds(set),
            accepted,
            kind,
        },
    )
}

fn file() -> impl Strategy<Value = BaselineFile> {
    (name(), vec(baseline(), 1..4))
        .prop_filter_map("a machine twice", |(name, entries)| BaselineFile::new(name, entries).ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_reads_back_as_what_was_written(file in file()) {
        let text = file.to_text();
        let unnamed = "unnamed".parse().expect("a name");
        let read = BaselineFile::parse(text.as_bytes(), &unnamed, UnixSeconds(0)).expect("just written");
        prop_assert_eq!(&read, &file);
        prop_assert_eq!(read.to_text(), text);
    }

    #[test]
    fn the_database_gives_back_what_it_was_given(baseline in baseline()) {
        let read = Baseline::from_stored(&baseline.name, &baseline.to_stored()).expect("just written");
        prop_assert_eq!(read, baseline);
    }

    #[test]
    fn no_file_whatever_its_bytes_stops_the_program(bytes in vec(any::<u8>(), 0..200)) {
        let unnamed = "unnamed".parse().expect("a name");
        prop_assert!(BaselineFile::parse(&bytes, &unnamed, UnixSeconds(0)).is_err());
    }

    #[test]
    fn a_file_that_was_cut_or_bent_is_read_or_refused(file in file(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = file.to_text().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let unnamed = "unnamed".parse().expect("a name");
        let _ = BaselineFile::parse(&bytes, &unnamed, UnixSeconds(0));
        // Only the end of the last line may be missing.
        let is_whole = at + 1 == bytes.len();
        prop_assert_eq!(BaselineFile::parse(&bytes[..at], &unnamed, UnixSeconds(0)).is_ok(), is_whole);
    }
}
