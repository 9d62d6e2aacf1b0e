//! A recorded trace of a program's allocations. `docs/formats/allocation-trace.md` has the format and the source.

use alloc::vec;
use alloc::vec::Vec;

/// The recorded trace.
pub(super) static RECORDED: &[u8] = include_bytes!("trace.bin");

const MAGIC: &[u8; 4] = b"MOAT";
const VERSION: u8 = 1;

/// Most slots of a trace.
const SLOTS_MAX: u64 = 1 << 16;

/// Most operations of a trace.
const OPERATIONS_MAX: u64 = 1 << 20;

/// The largest block of a trace.
const BLOCK_BYTES_MAX: u64 = 16 << 20;

/// What a program asked of its allocator, from nothing to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// In the order in which they were asked for.
    pub(super) operations: Vec<Operation>,
    /// Places for live blocks.
    pub(super) slots: usize,
    /// Most bytes in live blocks at once.
    pub(super) peak_bytes: u64,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// Below [`Trace::slots`].
    pub(super) slot: u32,
    /// What happens to the slot's block.
    pub(super) action: Action,
}

/// What happens to a block. Sizes are in bytes and not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It begins.
    Allocate(u32),
    /// It becomes longer or shorter.
    Resize(u32),
    /// It ends.
    Free,
}

/// Why bytes are no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TraceError {
    /// They do not begin as one.
    #[error("read an allocation trace: not one of version {VERSION}")]
    NotATrace,
    /// They end in the middle, or go on behind the end.
    #[error("read an allocation trace: its length is wrong")]
    WrongLength,
    /// A number is too large, a kind unknown, or a slot empty that must not be, or the other way round.
    #[error("read an allocation trace: operation {0} makes no sense")]
    BadOperation(usize),
    /// Blocks are left at the end.
    #[error("read an allocation trace: {0} blocks are never freed")]
    Unbalanced(usize),
}

impl Trace {
    /// Reads a trace and checks that it can be replayed.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, TraceError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(TraceError::NotATrace)?;
        let rest = rest.strip_prefix(&[VERSION]).ok_or(TraceError::NotATrace)?;
        let mut numbers = Numbers(rest);
        let slots = numbers.next_below(SLOTS_MAX + 1)?.ok_or(TraceError::NotATrace)?;
        let count = numbers.next_below(OPERATIONS_MAX + 1)?.ok_or(TraceError::NotATrace)?;
        let mut live = Live::new(to_usize(slots));
        let mut operations = Vec::new();
        for at in 0..to_usize(count) {
            let refusal = TraceError::BadOperation(at);
            let operation = numbers.next_operation(slots)?.ok_or(refusal)?;
            live.apply(operation).ok_or(refusal)?;
            operations.push(operation);
        }
        if !numbers.0.is_empty() {
            return Err(TraceError::WrongLength);
        }
        match live.sizes.iter().filter(|size| size.is_some()).count() {
            0 => Ok(Self { operations, slots: to_usize(slots), peak_bytes: live.peak_bytes }),
            left => Err(TraceError::Unbalanced(left)),
        }
    }

    /// The sizes that blocks begin with.
    pub(super) fn sizes(&self) -> Vec<u32> {
        let size = |operation: &Operation| match operation.action {
            Action::Allocate(bytes) => Some(bytes),
            Action::Resize(_) | Action::Free => None,
        };
        self.operations.iter().filter_map(size).collect()
    }
}

/// The blocks that are live in the middle of a trace.
struct Live {
    sizes: Vec<Option<u32>>,
    bytes: u64,
    peak_bytes: u64,
}

impl Live {
    fn new(slots: usize) -> Self {
        Self { sizes: vec![None; slots], bytes: 0, peak_bytes: 0 }
    }

    /// `None` if a block begins where one is, or ends or changes where none is.
    fn apply(&mut self, operation: Operation) -> Option<()> {
        let slot = self.sizes.get_mut(usize::try_from(operation.slot).ok()?)?;
        let (before, after) = match (operation.action, *slot) {
            (Action::Allocate(bytes), None) => (0, Some(bytes)),
            (Action::Resize(bytes), Some(before)) => (before, Some(bytes)),
            (Action::Free, Some(before)) => (before, None),
            _ => return None,
        };
        *slot = after;
        self.bytes = self.bytes - u64::from(before) + u64::from(after.unwrap_or(0));
        self.peak_bytes = self.peak_bytes.max(self.bytes);
        Some(())
    }
}

/// The varints that are left.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    /// The next number; `None` if it has more than 64 bits.
    fn next(&mut self) -> Result<Option<u64>, TraceError> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(TraceError::WrongLength)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Ok(None);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn next_below(&mut self, end: u64) -> Result<Option<u64>, TraceError> {
        Ok(self.next()?.filter(|number| *number < end))
    }

    /// The next operation; `None` if it makes no sense.
    fn next_operation(&mut self, slots: u64) -> Result<Option<Operation>, TraceError> {
        let Some(head) = self.next()? else { return Ok(None) };
        let action = match head % 4 {
            0 => self.next_size()?.map(Action::Allocate),
            1 => self.next_size()?.map(Action::Resize),
            2 => Some(Action::Free),
            _ => None,
        };
        let slot = u32::try_from(head / 4).ok().filter(|slot| u64::from(*slot) < slots);
        Ok(slot.zip(action).map(|(slot, action)| Operation { slot, action }))
    }

    fn next_size(&mut self) -> Result<Option<u32>, TraceError> {
        let size = self.next_below(BLOCK_BYTES_MAX + 1)?.filter(|size| *size > 0);
        Ok(size.and_then(|size| u32::try_from(size).ok()))
    }
}

/// A number whose bound any `usize` holds.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn varint(mut number: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let [low, ..] = (number & 0x7f).to_le_bytes();
            number >>= 7;
            if number == 0 {
                bytes.push(low);
                return bytes;
            }
            bytes.push(low | 0x80);
        }
    }

    /// The inverse of `decode`, for operations that need not make sense.
    fn encode(slots: u64, operations: &[(u64, u64, Option<u64>)]) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &[VERSION], &varint(slots), &varint(operations.len() as u64)].concat();
        for (slot, kind, size) in operations {
            bytes.extend(varint(slot * 4 + kind));
            bytes.extend(size.map(varint).unwrap_or_default());
        }
        bytes
    }

    #[test]
    fn the_recorded_trace_is_what_its_document_says() {
        let trace = Trace::decode(RECORDED).expect("a valid trace");
        let count = |is_kind: fn(&Action) -> bool| {
            trace.operations.iter().filter(|operation| is_kind(&operation.action)).count()
        };
        let allocations = count(|action| matches!(action, Action::Allocate(_)));
        assert_eq!(trace.sizes().len(), allocations);
        assert_eq!((allocations, trace.operations.len(), trace.slots), (4_092, 8_319, 338));
        assert_eq!(count(|action| matches!(action, Action::Free)), allocations);
        assert_eq!(trace.peak_bytes, 247_379);
        assert!(RECORDED.len() < 64 << 10);
    }

    #[test]
    fn a_small_trace_is_read() {
        let bytes =
            encode(2, &[(0, 0, Some(100)), (1, 0, Some(300)), (0, 1, Some(50)), (1, 2, None), (0, 2, None)]);
        let trace = Trace::decode(&bytes).expect("a valid trace");
        let actions: Vec<Action> = trace.operations.iter().map(|operation| operation.action).collect();
        let (allocate, resize) = (Action::Allocate, Action::Resize);
        assert_eq!(actions, [allocate(100), allocate(300), resize(50), Action::Free, Action::Free]);
        assert_eq!((trace.slots, trace.peak_bytes), (2, 400));
    }

    #[test]
    fn traces_that_cannot_be_replayed_are_refused() {
        let decode = |slots, operations: &[_]| Trace::decode(&encode(slots, operations));
        assert_eq!(Trace::decode(b"MOAT\x02"), Err(TraceError::NotATrace));
        assert_eq!(Trace::decode(b"nothing"), Err(TraceError::NotATrace));
        assert_eq!(decode(1, &[(0, 0, Some(1))]), Err(TraceError::Unbalanced(1)));
        assert_eq!(decode(1, &[(0, 2, None)]), Err(TraceError::BadOperation(0)));
        assert_eq!(decode(1, &[(0, 1, Some(1))]), Err(TraceError::BadOperation(0)));
        assert_eq!(decode(1, &[(0, 0, Some(1)), (0, 0, Some(1))]), Err(TraceError::BadOperation(1)));
        assert_eq!(decode(1, &[(1, 0, Some(1))]), Err(TraceError::BadOperation(0)));
        assert_eq!(decode(1, &[(0, 0, Some(0))]), Err(TraceError::BadOperation(0)));
        assert_eq!(decode(1, &[(0, 0, Some(BLOCK_BYTES_MAX + 1))]), Err(TraceError::BadOperation(0)));
        assert_eq!(decode(1, &[(0, 3, None)]), Err(TraceError::BadOperation(0)));
        assert_eq!(decode(SLOTS_MAX + 1, &[]), Err(TraceError::NotATrace));
        let mut long = encode(1, &[]);
        long.push(0);
        assert_eq!(Trace::decode(&long), Err(TraceError::WrongLength));
    }

    proptest! {
        #[test]
        fn a_cut_or_changed_trace_never_panics(end in 0..RECORDED.len(), at in 0..2_000_usize, byte in any::<u8>()) {
            prop_assert!(Trace::decode(&RECORDED[..end]).is_err());
            let mut changed = RECORDED.to_vec();
            changed[at] = byte;
            if let Ok(trace) = Trace::decode(&changed) {
                prop_assert!(trace.operations.iter().all(|operation| to_usize(operation.slot.into()) < trace.slots));
            }
        }

        #[test]
        fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Trace::decode(&[&MAGIC[..], &[VERSION], &bytes].concat());
        }
    }
}
