//! Records as bytes: 0x1E, JSON object, space, CRC-32C as eight hex digits, LF.
//!
//! The outer form is a JSON text sequence (RFC 7464, section 2.1), so that common tools split a transcript; the check
//! value stands where RFC 7464 allows white space only, because a line without hardware flow control loses and
//! changes bytes.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use crc::{CRC_32_ISCSI, Crc, Table};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

/// The longest frame between 0x1E and LF; a longer one is noise.
pub const FRAME_LENGTH_MAX: usize = 4 * 1024 * 1024;

/// Opens every frame (RFC 7464, section 2.1: record separator).
pub(super) const FRAME_START: u8 = 0x1e;

/// Closes every frame.
pub(super) const FRAME_END: u8 = b'\n';

/// A space and eight hex digits.
const CHECK_LENGTH: usize = 9;

/// CRC-32C (RFC 3720, section 12.1), which the `crc` catalogue lists under its iSCSI name.
static CASTAGNOLI: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Why bytes are not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The check value is wrong or missing.
    #[error("check value does not match")]
    CheckValue,
    /// The text is not a known object.
    #[error("not a record: {0}")]
    Syntax(String),
    /// Another frame or the end of the transcript came before this one's line feed.
    #[error("the frame is cut off")]
    Truncated,
    /// Longer than the decoder keeps.
    #[error("the frame is longer than any record")]
    TooLong,
}

/// `message` as the bytes of a frame, from 0x1E to LF.
///
/// # Panics
/// If `message` has no JSON form, like a map with keys that are no strings. No record and no command is like that.
#[must_use]
pub fn encode_frame(message: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(message).expect("records and commands have a JSON form");
    let mut frame = Vec::with_capacity(json.len() + CHECK_LENGTH + 2);
    frame.push(FRAME_START);
    frame.extend_from_slice(&json);
    frame.push(b' ');
    frame.extend_from_slice(&hex_digits(CASTAGNOLI.checksum(&json)));
    frame.push(FRAME_END);
    frame
}

/// Decodes the bytes between 0x1E and LF, both excluded. Nothing but what [`encode_frame`] writes passes: one space,
/// eight lower-case digits, no raw control characters.
///
/// # Errors
/// [`FrameError::CheckValue`] for bytes that changed on their way, [`FrameError::Syntax`] for whole frames that are
/// no message of type `T`, [`FrameError::TooLong`] above [`FRAME_LENGTH_MAX`].
pub fn decode_frame<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    let json = checked_json(body)?;
    if json.iter().any(|byte| *byte < 0x20) {
        return Err(FrameError::Syntax("it holds a raw control character".to_string()));
    }
    let text = core::str::from_utf8(json).map_err(|error| FrameError::Syntax(error.to_string()))?;
    serde_json::from_str(text).map_err(|error| FrameError::Syntax(error.to_string()))
}

/// The JSON text of a frame body whose check value is right, whatever the text says.
///
/// # Errors
/// [`FrameError::CheckValue`] or [`FrameError::TooLong`].
pub fn checked_json(body: &[u8]) -> Result<&[u8], FrameError> {
    if body.len() > FRAME_LENGTH_MAX {
        return Err(FrameError::TooLong);
    }
    let json_length = body.len().checked_sub(CHECK_LENGTH).ok_or(FrameError::CheckValue)?;
    let (json, check) = body.split_at(json_length);
    let digits = hex_digits(CASTAGNOLI.checksum(json));
    match check.split_first() {
        Some((b' ', found)) if found == digits => Ok(json),
        _ => Err(FrameError::CheckValue),
    }
}

/// The bytes of a whole frame between its 0x1E and its LF.
pub(super) fn body_of(frame: &[u8]) -> &[u8] {
    frame.get(1..frame.len().saturating_sub(1)).unwrap_or_default()
}

/// Lower-case hex, most significant digit first.
fn hex_digits(value: u32) -> [u8; 8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 8];
    for (place, byte) in value.to_be_bytes().into_iter().enumerate() {
        digits[2 * place] = DIGITS[usize::from(byte >> 4)];
        digits[2 * place + 1] = DIGITS[usize::from(byte & 0xf)];
    }
    digits
}

/// Rolling hash over frames: ties order and content of everything sent to the manifest, so that it detects any
/// loss, repetition, change or exchange of places.
///
/// Each step is `hash = XXH3-64(hash ++ digest)`, both as eight little-endian bytes, from a hash of 0. The digest of a
/// frame is enough for a step, so that a receiver with a gap need not keep what came after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollingHash(u64);

impl RollingHash {
    /// The hash of no frames.
    #[must_use]
    pub const fn new() -> Self {
        Self(0)
    }

    /// What one frame contributes: XXH3-64 of its `body`, the bytes between 0x1E and LF.
    #[must_use]
    pub fn digest(body: &[u8]) -> u64 {
        xxh3_64(body)
    }

    /// Takes the next frame in by its [`RollingHash::digest`].
    pub fn update(&mut self, digest: u64) {
        let mut input = [0; 16];
        input[..8].copy_from_slice(&self.0.to_le_bytes());
        input[8..].copy_from_slice(&digest.to_le_bytes());
        self.0 = xxh3_64(&input);
    }

    /// The hash as it stands in a manifest, 16 hex digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        let mut text = String::with_capacity(16);
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{:016x}", self.0);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ticks;
    use crate::wire::{Beacon, Command, Frame, Record};

    fn beacon(seq: u64) -> Frame {
        Frame { seq, record: Record::Beacon(Beacon { ticks: Ticks(123_456_789) }) }
    }

    #[test]
    fn the_check_value_is_crc_32c() {
        // The catalogue's check input; RFC 3720, appendix B.4 has the second.
        assert_eq!(CASTAGNOLI.checksum(b"123456789"), 0xe306_9283);
        assert_eq!(CASTAGNOLI.checksum(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn a_frame_is_the_one_that_the_documentation_shows() {
        let text = include_str!("../../../docs/WIRE.md");
        let frame = encode_frame(&beacon(7));
        let body = core::str::from_utf8(body_of(&frame)).expect("frames are text");
        assert!(text.contains(body), "docs/WIRE.md lacks {body}");
        let hex: Vec<String> = frame.iter().map(|byte| alloc::format!("{byte:02x}")).collect();
        for line in hex.chunks(16) {
            assert!(text.contains(&line.join(" ")), "docs/WIRE.md lacks {}", line.join(" "));
        }
        let mut hash = RollingHash::new();
        for seq in [7, 8] {
            let digest = RollingHash::digest(body_of(&encode_frame(&beacon(seq))));
            assert!(text.contains(&alloc::format!("{digest:016x}")), "docs/WIRE.md lacks {digest:016x}");
            hash.update(digest);
            assert!(text.contains(&hash.to_hex()), "docs/WIRE.md lacks {}", hash.to_hex());
        }
    }

    #[test]
    fn the_sequence_number_stands_first() {
        let frame = encode_frame(&beacon(7));
        assert!(frame.starts_with(b"\x1e{\"seq\":7,\"kind\":\"beacon\","), "{frame:?}");
    }

    #[test]
    fn what_was_encoded_decodes() {
        let frame = encode_frame(&beacon(3));
        assert_eq!(decode_frame::<Frame>(body_of(&frame)), Ok(beacon(3)));
        let command = Command::Resend { from: 3, to: 9 };
        assert_eq!(decode_frame::<Command>(body_of(&encode_frame(&command))), Ok(command));
    }

    #[test]
    fn a_kind_of_the_future_is_unknown_and_keeps_its_number() {
        let frame = encode_frame(&serde_json::json!({"seq": 4, "kind": "weather", "rain": [1, {"mm": 2}]}));
        assert_eq!(decode_frame::<Frame>(body_of(&frame)), Ok(Frame { seq: 4, record: Record::Unknown }));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let frame = encode_frame(&beacon(3));
        let body = body_of(&frame);
        for bit in 0..body.len() * 8 {
            let mut changed = body.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_frame::<Frame>(&changed), Err(FrameError::CheckValue), "bit {bit}");
        }
    }

    #[test]
    fn check_values_in_another_form_are_refused() {
        let frame = encode_frame(&beacon(5));
        let body = body_of(&frame);
        let (json, check) = body.split_at(body.len() - CHECK_LENGTH);
        let refused = |check: &[u8]| decode_frame::<Frame>(&[json, check].concat());
        assert_eq!(refused(check), Ok(beacon(5)));
        assert_eq!(refused(&check.to_ascii_uppercase()), Err(FrameError::CheckValue));
        assert_eq!(refused(&[b" ", check].concat()), Err(FrameError::CheckValue));
        assert_eq!(refused(&[check, b"\r"].concat()), Err(FrameError::CheckValue));
        assert_eq!(refused(&check[1..]), Err(FrameError::CheckValue));
        assert_eq!(decode_frame::<Frame>(b""), Err(FrameError::CheckValue));
    }

    #[test]
    fn whole_frames_that_are_no_records_are_named() {
        let with_check = |json: &[u8]| [json, b" ", &hex_digits(CASTAGNOLI.checksum(json))].concat();
        for json in [
            &b"{}"[..],
            b"[1]",
            b"{\"seq\":1,\t\"kind\":\"none\"}",
            b"{\"seq\":-1,\"kind\":\"none\"}",
            b"\xff",
        ] {
            let error = decode_frame::<Frame>(&with_check(json)).expect_err("no record");
            assert!(matches!(error, FrameError::Syntax(_)), "{error}");
        }
    }

    #[test]
    fn the_rolling_hash_depends_on_order_content_and_number() {
        let digests = [1_u64, 2, 3].map(|seq| RollingHash::digest(body_of(&encode_frame(&beacon(seq)))));
        let of = |digests: &[u64]| {
            let mut hash = RollingHash::new();
            digests.iter().for_each(|digest| hash.update(*digest));
            hash.to_hex()
        };
        let [a, b, c] = digests;
        let sent = of(&[a, b, c]);
        let wrong = [of(&[a, b]), of(&[b, c]), of(&[a, c, b]), of(&[a, b, b, c]), of(&[a, b, c ^ 1])];
        assert!(!wrong.contains(&sent));
        assert_eq!(sent.len(), 16);
        assert_eq!(of(&[]), "0000000000000000");
    }
}
