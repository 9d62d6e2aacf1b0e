//! Who called whom, by frame pointers.

use core::ops::Range;

/// Frames that a backtrace holds at most.
pub const FRAMES_MAX: usize = 64;

/// Return addresses from the innermost frame outward.
#[derive(Clone, Debug)]
pub struct Backtrace {
    addresses: [u64; FRAMES_MAX],
    length: usize,
}

impl Backtrace {
    /// Follows frame pointers from `frame_pointer` as long as they lie in `stack`, are aligned, and lead outward;
    /// `load` reads the stack.
    #[must_use]
    pub fn walk(frame_pointer: u64, stack: &Range<u64>, load: impl Fn(u64) -> Option<u64>) -> Self {
        let mut backtrace = Self { addresses: [0; FRAMES_MAX], length: 0 };
        let mut frame_pointer = frame_pointer;
        // A frame is the caller's frame pointer and, eight bytes above, the address to return to.
        while frame_pointer.is_multiple_of(8)
            && stack.contains(&frame_pointer)
            && stack.contains(&frame_pointer.saturating_add(15))
            && backtrace.length < FRAMES_MAX
        {
            let (Some(outer), Some(address)) = (load(frame_pointer), load(frame_pointer + 8)) else { break };
            if address == 0 || !is_canonical(address) {
                break;
            }
            backtrace.addresses[backtrace.length] = address;
            backtrace.length += 1;
            if outer <= frame_pointer {
                break;
            }
            frame_pointer = outer;
        }
        backtrace
    }

    /// The addresses, innermost first.
    #[must_use]
    pub fn addresses(&self) -> &[u64] {
        &self.addresses[..self.length]
    }
}

/// Whether bits 63 to 47 are equal, as in every address that can be mapped (Intel SDM volume 1, section 3.3.7.1).
const fn is_canonical(address: u64) -> bool {
    let high = address >> 47;
    high == 0 || high == (1 << 17) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: Range<u64> = 0x1000..0x2000;

    fn walk(frame_pointer: u64, words: &[(u64, u64)]) -> Backtrace {
        let load = |at: u64| words.iter().find(|(address, _)| *address == at).map(|(_, value)| *value);
        Backtrace::walk(frame_pointer, &STACK, load)
    }

    #[test]
    fn frames_are_followed_outward_until_a_frame_pointer_of_zero() {
        let words = [(0x1000, 0x1040), (0x1008, 0xa), (0x1040, 0), (0x1048, 0xb)];
        assert_eq!(walk(0x1000, &words).addresses(), [0xa, 0xb]);
    }

    #[test]
    fn a_frame_pointer_outside_the_stack_ends_the_walk() {
        assert!(walk(0x3000, &[(0x3000, 0), (0x3008, 1)]).addresses().is_empty());
        assert!(walk(0x1ff8, &[(0x1ff8, 0), (0x2000, 1)]).addresses().is_empty());
    }

    #[test]
    fn a_loop_of_frames_ends_the_walk() {
        let words = [(0x1040, 0x1000), (0x1048, 0xa), (0x1000, 0x1040), (0x1008, 0xb)];
        assert_eq!(walk(0x1040, &words).addresses(), [0xa]);
    }

    #[test]
    fn addresses_that_are_not_canonical_end_the_walk() {
        let words = [(0x1000, 0x1040), (0x1008, 1 << 62), (0x1040, 0), (0x1048, 0xb)];
        assert!(walk(0x1000, &words).addresses().is_empty());
        let words = [(0x1000, 0), (0x1008, 0xffff_ffff_8000_1234)];
        assert_eq!(walk(0x1000, &words).addresses(), [0xffff_ffff_8000_1234]);
    }

    #[test]
    fn a_walk_is_bounded() {
        let load = |at: u64| Some(if at.is_multiple_of(16) { at + 16 } else { 7 });
        assert_eq!(Backtrace::walk(0x1000, &STACK, load).addresses().len(), FRAMES_MAX);
    }

    #[test]
    fn memory_that_cannot_be_read_ends_the_walk() {
        assert!(walk(0x1000, &[(0x1000, 0x1040)]).addresses().is_empty());
    }
}
