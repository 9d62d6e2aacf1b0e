//! Bytes to messages, whatever lies between them.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use memchr::memchr2;
use serde::de::DeserializeOwned;

use super::frame::{FRAME_END, FRAME_START};
use super::{Command, FRAME_LENGTH_MAX, Frame, FrameError, decode_frame};

/// The longest text line that is kept; what goes beyond is counted.
pub const TEXT_LENGTH_MAX: usize = 4096;

/// The longest command: the kernel sets no more memory aside for what a host may send.
const COMMAND_LENGTH_MAX: usize = 4096;

/// Finds messages of type `T` in bytes that come in pieces. Takes up at every 0x1E and every LF, so that damage costs
/// the frames that it touches and no other. Never panics, holds at most one frame.
pub struct Decoder<T = Frame> {
    state: State,
    /// What came of the frame or line so far, without its 0x1E. Emptied by taking it, kept for its capacity.
    pending: Vec<u8>,
    frame_length_max: usize,
    message: core::marker::PhantomData<fn() -> T>,
}

/// What the decoder found.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<T = Frame> {
    /// A frame that passed its check.
    Frame(Box<T>),
    /// Bytes that began as a frame and are none.
    Damaged(FrameError),
    /// A line of text outside frames, without its end. Never empty; control characters are replaced, and of a line
    /// above [`TEXT_LENGTH_MAX`] the beginning is kept.
    Text(String),
}

/// Where in the transcript the next byte lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside frames, after that many bytes of the line that were not kept.
    Text { dropped: usize },
    /// Inside a frame.
    Frame,
    /// Inside a frame that is too long and was already reported.
    Overlong,
}

impl Decoder<Frame> {
    /// A decoder of records at the start of a transcript.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_frame_length_max(FRAME_LENGTH_MAX)
    }
}

impl Decoder<Command> {
    /// A decoder of what the host sends.
    #[must_use]
    pub const fn for_commands() -> Self {
        Self::with_frame_length_max(COMMAND_LENGTH_MAX)
    }
}

impl Default for Decoder<Frame> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: DeserializeOwned> Decoder<T> {
    const fn with_frame_length_max(frame_length_max: usize) -> Self {
        Self {
            state: State::Text { dropped: 0 },
            pending: Vec::new(),
            frame_length_max,
            message: core::marker::PhantomData,
        }
    }

    /// Takes bytes and returns what they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event<T>> {
        let mut events = Vec::new();
        self.push_each(bytes, |event, _| events.push(event));
        events
    }

    /// Takes bytes and calls `visit` with what they complete: the event, and the bytes between 0x1E and LF that it came
    /// from (of a text line, the kept bytes).
    pub fn push_each(&mut self, mut bytes: &[u8], mut visit: impl FnMut(Event<T>, &[u8])) {
        while let Some(place) = memchr2(FRAME_START, FRAME_END, bytes) {
            let (part, rest) = bytes.split_at(place);
            let mark = rest[0];
            // A frame that lies whole in `bytes`, the usual case for a file, is decoded where it lies.
            if self.pending.is_empty() && part.len() <= self.frame_length_max {
                self.complete(part, mark, &mut visit);
            } else {
                self.keep(part, &mut visit);
                let pending = core::mem::take(&mut self.pending);
                self.complete(&pending, mark, &mut visit);
                self.pending = pending;
                self.pending.clear();
            }
            self.state = if mark == FRAME_START { State::Frame } else { State::Text { dropped: 0 } };
            bytes = &rest[1..];
        }
        self.keep(bytes, &mut visit);
    }

    /// The transcript has ended: what is left becomes an event. The decoder is at a start again.
    pub fn finish(&mut self) -> Vec<Event<T>> {
        let mut events = Vec::new();
        let pending = core::mem::take(&mut self.pending);
        // As if another frame began: a line is whole without its end, a frame is not.
        self.complete(&pending, FRAME_START, &mut |event, _: &[u8]| events.push(event));
        self.state = State::Text { dropped: 0 };
        events
    }

    /// Ends the frame or line with content `body` at `mark`.
    fn complete(&self, body: &[u8], mark: u8, visit: &mut impl FnMut(Event<T>, &[u8])) {
        match self.state {
            State::Text { dropped } => {
                if let Some(text) = printable_line(body, dropped) {
                    visit(Event::Text(text), body);
                }
            }
            State::Frame if mark == FRAME_END => match decode_frame(body) {
                Ok(message) => visit(Event::Frame(Box::new(message)), body),
                Err(error) => visit(Event::Damaged(error), body),
            },
            State::Frame => visit(Event::Damaged(FrameError::Truncated), body),
            State::Overlong => {}
        }
    }

    /// Keeps a part of a frame or line, within bounds.
    fn keep(&mut self, part: &[u8], visit: &mut impl FnMut(Event<T>, &[u8])) {
        match self.state {
            State::Text { dropped } => {
                let room = TEXT_LENGTH_MAX.saturating_sub(self.pending.len());
                let (kept, beyond) = part.split_at(room.min(part.len()));
                self.pending.extend_from_slice(kept);
                self.state = State::Text { dropped: dropped.saturating_add(beyond.len()) };
            }
            State::Frame if self.pending.len() + part.len() > self.frame_length_max => {
                visit(Event::Damaged(FrameError::TooLong), &self.pending);
                self.pending = Vec::new();
                self.state = State::Overlong;
            }
            State::Frame => self.pending.extend_from_slice(part),
            State::Overlong => {}
        }
    }
}

/// A line for people: lossy UTF-8 without control characters. `None` if nothing is on it.
fn printable_line(line: &[u8], dropped: usize) -> Option<String> {
    let (kept, beyond) = line.split_at(line.len().min(TEXT_LENGTH_MAX));
    let dropped = dropped.saturating_add(beyond.len());
    let kept = if dropped == 0 { kept.strip_suffix(b"\r").unwrap_or(kept) } else { kept };
    let printable = |character: char| match character {
        '\t' => '\t',
        _ if character.is_control() => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    let mut text: String = String::from_utf8_lossy(kept).chars().map(printable).collect();
    if dropped > 0 {
        // Writing to a `String` cannot fail.
        let _ = write!(text, " [{dropped} more bytes]");
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ticks;
    use crate::wire::{Beacon, Level, LogLine, Record, encode_frame};
    use alloc::string::ToString;
    use alloc::vec;

    fn beacon(seq: u64) -> Frame {
        Frame { seq, record: Record::Beacon(Beacon { ticks: Ticks(seq * 1000) }) }
    }

    fn arrived(seq: u64) -> Event {
        Event::Frame(Box::new(beacon(seq)))
    }

    fn text(line: &str) -> Event {
        Event::Text(line.to_string())
    }

    fn events(transcript: &[u8]) -> Vec<Event> {
        let mut decoder = Decoder::new();
        let mut events = decoder.push(transcript);
        events.extend(decoder.finish());
        events
    }

    #[test]
    fn frames_and_text_come_in_order() {
        let transcript =
            [b"SeaBIOS\r\n\r\n", &encode_frame(&beacon(0))[..], &encode_frame(&beacon(1)), b"bye"].concat();
        assert_eq!(events(&transcript), [text("SeaBIOS"), arrived(0), arrived(1), text("bye")]);
    }

    #[test]
    fn the_size_of_pieces_makes_no_difference() {
        let frame = encode_frame(&beacon(4));
        let transcript =
            [b"a\n", &frame[..], &frame[..20], &frame, b"b\tc\n\x1e{}\n", &frame, b"\x1e"].concat();
        let whole = events(&transcript);
        assert_eq!(whole.len(), 8);
        for size in 1..transcript.len() {
            let mut decoder = Decoder::new();
            let mut pieces: Vec<Event> =
                transcript.chunks(size).flat_map(|piece| decoder.push(piece)).collect();
            pieces.extend(decoder.finish());
            assert_eq!(pieces, whole, "in pieces of {size}");
        }
    }

    #[test]
    fn a_cut_frame_does_not_take_the_next_one_with_it() {
        let frame = encode_frame(&beacon(4));
        let transcript = [&frame[..frame.len() - 1], &encode_frame(&beacon(5))].concat();
        assert_eq!(events(&transcript), [Event::Damaged(FrameError::Truncated), arrived(5)]);
    }

    #[test]
    fn a_frame_that_lost_its_beginning_is_text() {
        let frame = encode_frame(&beacon(4));
        let events = events(&[&frame[7..], &encode_frame(&beacon(5))].concat());
        assert!(matches!(&events[..], [Event::Text(_), last] if *last == arrived(5)), "{events:?}");
    }

    #[test]
    fn text_is_made_printable_and_kept_short() {
        assert_eq!(events(b"\x1b[2Jred\xff\tgreen\x7f\n"), [text("\u{fffd}[2Jred\u{fffd}\tgreen\u{fffd}")]);
        let long = vec![b'x'; 3 * TEXT_LENGTH_MAX];
        let expected = alloc::format!("{} [{} more bytes]", "x".repeat(TEXT_LENGTH_MAX), 2 * TEXT_LENGTH_MAX);
        assert_eq!(events(&long), [text(&expected)]);
        let mut decoder = Decoder::new();
        let pieces = long.chunks(1000).chain([&b"\n"[..]]);
        let in_pieces: Vec<Event> = pieces.flat_map(|piece| decoder.push(piece)).collect();
        assert_eq!(in_pieces, [text(&expected)]);
    }

    #[test]
    fn a_frame_without_end_is_reported_once_and_takes_bounded_memory() {
        let mut decoder = Decoder::new();
        let mut events = decoder.push(b"\x1e{");
        for _ in 0..100 {
            events.extend(decoder.push(&[b' '; 100_000]));
            assert!(decoder.pending.capacity() <= 2 * FRAME_LENGTH_MAX);
        }
        events.extend(decoder.push(&encode_frame(&beacon(1))));
        assert_eq!(events, [Event::Damaged(FrameError::TooLong), arrived(1)]);
    }

    #[test]
    fn a_long_frame_arrives_in_small_pieces() {
        let line = LogLine { level: Level::Info, text: "x".repeat(FRAME_LENGTH_MAX - 100) };
        let frame = Frame { seq: 9, record: Record::Log(line) };
        let mut decoder = Decoder::new();
        let bytes = encode_frame(&frame);
        let events: Vec<Event> = bytes.chunks(16).flat_map(|piece| decoder.push(piece)).collect();
        assert!(events == [Event::Frame(Box::new(frame))]);
    }

    #[test]
    fn commands_are_short() {
        let mut decoder = Decoder::for_commands();
        let command = Command::Resend { from: 2, to: 3 };
        let long = [b"\x1e", &[b'x'; COMMAND_LENGTH_MAX + 1][..], b"\n"].concat();
        let events = decoder.push(&[long, encode_frame(&command)].concat());
        assert_eq!(events, [Event::Damaged(FrameError::TooLong), Event::Frame(Box::new(command))]);
    }

    #[test]
    fn the_bytes_of_a_frame_come_with_it() {
        let frame = encode_frame(&beacon(6));
        for size in [frame.len(), 3] {
            let mut decoder = Decoder::new();
            let mut bodies = Vec::new();
            for piece in frame.chunks(size) {
                decoder.push_each(piece, |_, body| bodies.push(body.to_vec()));
            }
            assert_eq!(bodies, [&frame[1..frame.len() - 1]]);
        }
    }
}
