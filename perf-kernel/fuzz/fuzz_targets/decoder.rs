//! Any bytes, in any pieces: the decoder neither panics nor depends on where the pieces end, and what it decodes
//! encodes to a frame that decodes to the same.
#![no_main]

use crc::{CRC_32_ISCSI, Crc};
use libfuzzer_sys::fuzz_target;
use perf_kernel::wire::{Decoder, Event, Frame, encode_frame};

static CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

fuzz_target!(|input: &[u8]| {
    let [mode, size, bytes @ ..] = input else { return };
    // A fuzzer does not find check values: in every other mode it is given them, to reach what lies behind.
    let transcript = if mode % 2 == 0 { bytes.to_vec() } else { with_check_values(bytes) };
    let whole = events([&transcript[..]]);
    let pieces = events(transcript.chunks(usize::from(*size) + 1));
    assert_eq!(whole, pieces);
    for event in whole {
        if let Event::Frame(frame) = event {
            // Fields that this reader does not know are gone: what is left must survive.
            assert_eq!(events([&encode_frame(&*frame)[..]]), [Event::Frame(frame)]);
        }
    }
    let _ = Decoder::for_commands().push(&transcript);
});

/// Each line of `bytes` as the text of a frame.
fn with_check_values(bytes: &[u8]) -> Vec<u8> {
    let mut transcript = Vec::new();
    for json in bytes.split(|byte| *byte == b'\n') {
        transcript.push(0x1e);
        transcript.extend_from_slice(json);
        transcript.extend(format!(" {:08x}\n", CASTAGNOLI.checksum(json)).bytes());
    }
    transcript
}

fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event<Frame>> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(decoder.push(piece));
    }
    events.extend(decoder.finish());
    events
}
