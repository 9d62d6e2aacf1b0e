//! Where the stacks of kernel threads lie.
//!
//! Each has a place of its own in a part of the address space that nothing else uses. The upper half of a place is
//! mapped; the lower half never is, so that a stack which grows out of its half faults instead of reaching another.

use core::ops::Range;

/// Where the places begin: an entry of the top page table that the loader leaves empty.
pub const REGION_START: u64 = 0xffff_f200_0000_0000;
/// Bytes of a place: a stack and its guard.
pub const PLACE_BYTES: u64 = 2 * STACK_BYTES;
/// Bytes of a stack: eight pages, one block of the frame allocator.
pub const STACK_BYTES: u64 = 32 << 10;
/// Number of places.
pub const PLACES: u32 = 4096;

/// The mapped part of place `place`, below [`PLACES`].
#[must_use]
pub const fn stack_of(place: u32) -> Range<u64> {
    let start = REGION_START + place as u64 * PLACE_BYTES + STACK_BYTES;
    start..start + STACK_BYTES
}

/// The stack in whose place, guard included, `address` lies; `None` if that is elsewhere. The stack may not be mapped.
#[must_use]
pub fn stack_at(address: u64) -> Option<Range<u64>> {
    let place = u32::try_from(address.checked_sub(REGION_START)? / PLACE_BYTES).ok()?;
    (place < PLACES).then(|| stack_of(place))
}

/// Whether `address` lies in a guard: a stack has grown out of its half.
#[must_use]
pub fn is_in_guard(address: u64) -> bool {
    stack_at(address).is_some_and(|stack| address < stack.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_overlap_and_every_stack_has_a_guard_below() {
        for place in [0, 1, 77, PLACES - 1] {
            let stack = stack_of(place);
            assert_eq!(stack.end - stack.start, STACK_BYTES);
            assert!(is_in_guard(stack.start - 1) && is_in_guard(stack.start - STACK_BYTES));
            assert!(!is_in_guard(stack.start) && !is_in_guard(stack.end - 1));
            assert_eq!(
                (stack_at(stack.start - 1), stack_at(stack.end - 1)),
                (Some(stack.clone()), Some(stack))
            );
        }
        assert!(stack_of(1).start >= stack_of(0).end + STACK_BYTES);
    }

    #[test]
    fn addresses_elsewhere_are_in_no_stack() {
        for address in [0, REGION_START - 1, stack_of(PLACES - 1).end, u64::MAX] {
            assert_eq!((stack_at(address), is_in_guard(address)), (None, false));
        }
    }
}
