//! What holds for every transcript, however the line treated it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use proptest::prelude::*;
use proptest::sample::Index;

use super::tests::bench;
use super::{Beacon, Decoder, Event, Frame, Level, LogLine, Record, Start, encode_frame};
use crate::units::Ticks;

/// What a line may do to a transcript.
#[derive(Clone, Debug)]
enum Harm {
    /// Changes bytes, one in `one_in` on average.
    Flip { one_in: u64, seed: u64 },
    /// Loses everything from a place on.
    Cut { at: Index },
    /// Puts a copy of a piece somewhere.
    Repeat { from: Index, to: Index, at: Index },
    /// Loses a piece.
    Lose { from: Index, to: Index },
}

fn record() -> impl Strategy<Value = Record> {
    let text = "[ -~\u{1e}\n\té€]{0,20}";
    prop_oneof![
        3 => any::<u64>().prop_map(|ticks| Record::Beacon(Beacon { ticks: Ticks(ticks) })),
        2 => (text, any::<bool>()).prop_map(|(text, is_warning)| {
            let level = if is_warning { Level::Warning } else { Level::Info };
            Record::Log(LogLine { level, text })
        }),
        2 => ("[a-z]{1,8}/[a-z]{1,8}", any::<u32>(), any::<u32>())
            .prop_map(|(id, index, total)| Record::Start(Start { id, index, total })),
        1 => "[a-z]{1,8}".prop_map(|id| Record::Bench(Box::new(bench(&id, None)))),
    ]
}

fn harm() -> impl Strategy<Value = Harm> {
    let index = any::<Index>;
    prop_oneof![
        4 => any::<u64>().prop_map(|seed| Harm::Flip { one_in: 1000, seed }),
        2 => any::<u64>().prop_map(|seed| Harm::Flip { one_in: 50, seed }),
        1 => index().prop_map(|at| Harm::Cut { at }),
        2 => (index(), index(), index()).prop_map(|(from, to, at)| Harm::Repeat { from, to, at }),
        1 => (index(), index()).prop_map(|(from, to)| Harm::Lose { from, to }),
    ]
}

/// A step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): cheaper than a strategy for every byte.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn flip(transcript: &mut [u8], one_in: u64, mut seed: u64) {
    for byte in transcript {
        if random(&mut seed).is_multiple_of(one_in) {
            *byte ^= u8::try_from(random(&mut seed) % 255 + 1).unwrap();
        }
    }
}

fn apply(harm: &Harm, transcript: &mut Vec<u8>) {
    let length = transcript.len() + 1;
    let piece = |from: &Index, to: &Index| {
        let (from, to) = (from.index(length), to.index(length));
        from.min(to)..from.max(to)
    };
    match harm {
        Harm::Flip { one_in, seed } => flip(transcript, *one_in, *seed),
        Harm::Cut { at } => transcript.truncate(at.index(length)),
        Harm::Repeat { from, to, at } => {
            let copy = transcript[piece(from, to)].to_vec();
            let at = at.index(length);
            transcript.splice(at..at, copy);
        }
        Harm::Lose { from, to } => drop(transcript.drain(piece(from, to))),
    }
}

fn sent(records: Vec<Record>) -> Vec<Frame> {
    records.into_iter().zip(0..).map(|(record, seq)| Frame { seq, record }).collect()
}

/// The frames that a decoder finds when the bytes come in pieces of the sizes in `pieces`, over and over.
fn received(mut transcript: &[u8], pieces: &[usize]) -> Vec<Frame> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for size in pieces.iter().cycle() {
        if transcript.is_empty() {
            break;
        }
        let (piece, rest) = transcript.split_at((*size).min(transcript.len()));
        events.extend(decoder.push(piece));
        transcript = rest;
    }
    events.extend(decoder.finish());
    let frame = |event| match event {
        Event::Frame(frame) => Some(*frame),
        Event::Damaged(_) | Event::Text(_) => None,
    };
    events.into_iter().filter_map(frame).collect()
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1_usize..400, 1..6)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn a_harmed_transcript_yields_no_wrong_record(
        records in proptest::collection::vec(record(), 1..8),
        noise in "[ -~\r\n]{0,30}",
        harms in proptest::collection::vec(harm(), 0..3),
        pieces in pieces(),
    ) {
        let sent = sent(records);
        let mut transcript = Vec::from(noise.as_bytes());
        for frame in &sent {
            transcript.extend(encode_frame(frame));
        }
        for harm in &harms {
            apply(harm, &mut transcript);
        }
        let received = received(&transcript, &pieces);
        for frame in &received {
            let original = usize::try_from(frame.seq).ok().and_then(|seq| sent.get(seq));
            prop_assert_eq!(Some(frame), original);
        }
        if harms.is_empty() {
            prop_assert_eq!(received, sent);
        }
    }
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn a_frame_that_no_flip_touched_arrives(
        records in proptest::collection::vec(record(), 1..8),
        one_in in prop_oneof![Just(1000_u64), Just(100)],
        seed in any::<u64>(),
        pieces in pieces(),
    ) {
        let sent = sent(records);
        let encoded: Vec<Vec<u8>> = sent.iter().map(encode_frame).collect();
        let mut transcript = encoded.concat();
        flip(&mut transcript, one_in, seed);
        let mut start = 0;
        let mut untouched = Vec::new();
        for (frame, bytes) in sent.into_iter().zip(encoded) {
            let end = start + bytes.len();
            if transcript[start..end] == bytes {
                untouched.push(frame);
            }
            start = end;
        }
        prop_assert_eq!(received(&transcript, &pieces), untouched);
    }

    #[test]
    fn no_bytes_stop_the_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..300), pieces in pieces()) {
        let frames = received(&bytes, &pieces);
        prop_assert!(frames.is_empty());
    }

    #[test]
    fn text_lines_are_kept_whatever_they_hold(line in "[ -~\té€]{1,60}", records in proptest::collection::vec(record(), 0..3)) {
        let sent = sent(records);
        let mut transcript: Vec<u8> = sent.iter().flat_map(encode_frame).collect();
        transcript.extend_from_slice(line.as_bytes());
        let mut decoder = Decoder::new();
        let mut events = decoder.push(&transcript);
        events.extend(decoder.finish());
        prop_assert_eq!(events.pop(), Some(Event::<Frame>::Text(line)));
        prop_assert_eq!(events.len(), sent.len());
    }
}
