//! What lies on a program's stack while a handler of a signal runs, and what of it is believed afterwards.
//!
//! From the lowest address: where the handler returns to, the frame, and, where the program may be anywhere, its vector
//! and x87 registers as XSAVE or FXSAVE leave them. A program that was in a system call has none of these to keep.

use multios_core::memory::paging::{USER_END, USER_START};

use crate::kernel::signals::Signal;

/// What a program may use below its stack pointer without saying so (System V ABI for AMD64, section 3.2.2).
const RED_ZONE_BYTES: u64 = 128;
const ALIGNMENT: u64 = 16;

/// The registers that a handler is called with, among the general ones of a frame.
const RDI: usize = 9;
const RSI: usize = 10;
const RDX: usize = 11;

/// The registers of a program as a trap frame has them, with the words that a program has nothing to do with used otherwise
/// while it lies on the program's stack. A multiple of 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(super) struct SignalFrame {
    /// R15 to R8, RBP, RDI, RSI, RDX, RCX, RBX and RAX.
    pub(super) general: [u64; 15],
    /// What was blocked, as bits by number.
    pub(super) mask: u64,
    /// MXCSR, and the control word of x87 above it.
    pub(super) modes: u64,
    pub(super) rip: u64,
    /// The code segment; on the program's stack, how much follows of vector and x87 registers, 0 without.
    pub(super) code_or_vector_bytes: u64,
    pub(super) rflags: u64,
    pub(super) rsp: u64,
    /// The stack segment.
    pub(super) stack: u64,
}

/// What a handler finds on its stack.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct OnStack {
    pub(super) return_to: u64,
    pub(super) frame: SignalFrame,
}

/// Bytes of a frame.
const FRAME_BYTES: u64 = size_of::<SignalFrame>() as u64;
const _: () = assert!(FRAME_BYTES.is_multiple_of(ALIGNMENT));

/// Where the parts of a frame lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// Where the handler returns to; its stack pointer. 8 above a multiple of 16, as in every function when it begins
    /// (System V ABI for AMD64, section 3.2.2).
    pub(super) return_to: u64,
    frame: u64,
    pub(super) vectors: u64,
}

impl Places {
    /// Those of a frame with `vector_bytes` for a program whose stack pointer is `rsp`; `None` if the stack would have to
    /// wrap around.
    pub(super) fn below(rsp: u64, vector_bytes: u64) -> Option<Self> {
        let top = rsp.checked_sub(RED_ZONE_BYTES)?;
        let vectors = top.checked_sub(vector_bytes)? & !(ALIGNMENT - 1);
        let frame = vectors.checked_sub(FRAME_BYTES)?;
        let return_to = frame.checked_sub(size_of::<u64>() as u64)?;
        Some(Self { return_to, frame, vectors })
    }

    /// The vector registers of the frame at `frame`.
    pub(super) const fn vectors_of(frame: u64) -> Option<u64> {
        frame.checked_add(FRAME_BYTES)
    }
}

/// RFLAGS that a program can change itself with IOPL 0 (Intel SDM volume 1, section 3.4.3, and volume 2, POPF): CF (bit 0),
/// PF (2), AF (4), ZF (6), SF (7), TF (8), DF (10), OF (11), AC (18) and ID (21); and RF (16), which faults set in what they
/// store. NT (14), which it could change as well, is of no use in 64-bit mode.
const USER_FLAGS: u64 = 0x0025_0dd5;
/// Bit 1 is always set.
const FIXED_FLAGS: u64 = 1 << 1;
/// IF.
pub(super) const INTERRUPT_FLAG: u64 = 1 << 9;
/// The bits of MXCSR that are not reserved (Intel SDM volume 1, section 10.2.3). Every processor with 64-bit mode has DAZ.
const MODES_OF_SSE: u64 = 0xffff;
/// MXCSR and the control word of x87 as after reset (Intel SDM volume 1, sections 10.2.3 and 8.1.5).
const MODES: u64 = 0x1f80 | 0x037f << 32;

/// Why a program cannot go on with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// The segments of user mode: code and stack.
pub(super) type Segments = [u16; 2];

impl SignalFrame {
    /// Makes what a program has of it into what it goes on with; `has_interrupts` says whether they come in it, and
    /// `vector_bytes` how many there are where there are any. Says how many follow.
    ///
    /// # Errors
    /// The instruction or the stack pointer are not in the lower half, or the length of what follows is none that the
    /// kernel writes. The frame is then not to be gone on with.
    pub(super) fn check(
        &mut self,
        has_interrupts: bool,
        vector_bytes: u64,
        [code, stack]: Segments,
    ) -> Result<u64, Forged> {
        let is_user = USER_START <= self.rip && self.rip < USER_END && self.rsp <= USER_END;
        let follow = self.code_or_vector_bytes;
        if !is_user || (follow != 0 && follow != vector_bytes) {
            return Err(Forged);
        }
        self.rflags = self.rflags & USER_FLAGS | going_on(has_interrupts);
        self.modes &= MODES_OF_SSE | 0xffff << 32;
        (self.code_or_vector_bytes, self.stack) = (code.into(), stack.into());
        Ok(follow)
    }

    /// Begins a handler at `entry`, for `signal` and what is told about it, with the stack pointer `rsp`. The other
    /// registers and the modes are as after reset, and of the flags only that stays which lets interrupts come.
    pub(super) fn begin_handler(
        &mut self,
        entry: u64,
        rsp: u64,
        signal: Signal,
        told: [u64; 2],
        [code, stack]: Segments,
    ) {
        self.general = [0; 15];
        (self.general[RDI], self.general[RSI], self.general[RDX]) =
            (signal.number().into(), told[0], told[1]);
        (self.rip, self.rsp, self.rflags) = (entry, rsp, going_on(self.has_interrupts()));
        (self.modes, self.code_or_vector_bytes, self.stack) = (MODES, code.into(), stack.into());
    }

    /// Whether interrupts come in the program.
    pub(super) const fn has_interrupts(&self) -> bool {
        self.rflags & INTERRUPT_FLAG != 0
    }
}

/// The flags that say nothing of the program.
const fn going_on(has_interrupts: bool) -> u64 {
    if has_interrupts { FIXED_FLAGS | INTERRUPT_FLAG } else { FIXED_FLAGS }
}

/// The signal that an exception of a program counts as, by its vector.
pub(super) const fn signal_of_exception(vector: u64) -> Signal {
    match vector {
        // Divide error, x87 and SIMD floating-point errors.
        0 | 16 | 19 => Signal::FPE,
        // Debug and breakpoint.
        1 | 3 => Signal::TRAP,
        // Invalid opcode, and no device.
        6 | 7 => Signal::ILL,
        // Stack segment, and alignment.
        12 | 17 => Signal::BUS,
        _ => Signal::SEGV,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IOPL: u64 = 3 << 12;
    const NT: u64 = 1 << 14;
    const VM: u64 = 1 << 17;

    const SEGMENTS: Segments = [0x23, 0x1b];

    fn frame() -> impl Strategy<Value = SignalFrame> {
        let edges = prop::sample::select(vec![
            0,
            1,
            USER_START - 1,
            USER_START,
            USER_END - 1,
            USER_END,
            USER_END + 1,
            1 << 47,
            u64::MAX,
            1 << 63,
            0xffff_8000_0000_0000,
            0xffff_ffff_8000_0000,
            0x40_0000,
        ]);
        let word = prop_oneof![edges, any::<u64>(), 0..USER_END];
        let length = prop_oneof![Just(0), Just(832), any::<u64>()];
        (prop::collection::vec(word, 22), length).prop_map(|(words, length)| {
            let mut general = [0; 15];
            general.copy_from_slice(&words[..15]);
            SignalFrame {
                general,
                mask: words[15],
                modes: words[16],
                rip: words[17],
                code_or_vector_bytes: length,
                rflags: words[19],
                rsp: words[20],
                stack: words[21],
            }
        })
    }

    proptest! {
        #[test]
        fn whatever_a_frame_says_the_program_stays_a_program(before in frame(), has_interrupts: bool) {
            let mut frame = before;
            let length = before.code_or_vector_bytes;
            let Ok(follow) = frame.check(has_interrupts, 832, SEGMENTS) else {
                let is_user = (USER_START..USER_END).contains(&before.rip) && before.rsp <= USER_END;
                prop_assert!(!is_user || ![0, 832].contains(&length), "refused without a reason");
                return Ok(());
            };
            prop_assert!((USER_START..USER_END).contains(&frame.rip) && frame.rsp <= USER_END);
            prop_assert_eq!([frame.code_or_vector_bytes, frame.stack], SEGMENTS.map(u64::from));
            prop_assert_eq!(frame.rflags & (IOPL | NT | VM), 0);
            prop_assert_eq!((frame.has_interrupts(), frame.rflags & 2), (has_interrupts, 2));
            prop_assert!(follow == length && [0, 832].contains(&follow));
            prop_assert_eq!(frame.modes & !0xffff_0000_ffff, 0, "a reserved bit of MXCSR is an exception");
            // What a program may say is as it says.
            prop_assert_eq!(frame.general, before.general);
            prop_assert_eq!(frame.rflags & USER_FLAGS, before.rflags & USER_FLAGS);
            prop_assert_eq!((frame.rip, frame.rsp, frame.mask), (before.rip, before.rsp, before.mask));
        }

        #[test]
        fn a_frame_lies_below_the_red_zone_and_is_aligned(rsp: u64, vector_bytes in 0_u64..3000) {
            let Some(places) = Places::below(rsp, vector_bytes) else {
                prop_assert!(rsp < 4000);
                return Ok(());
            };
            prop_assert!(places.vectors + vector_bytes <= rsp - 128);
            prop_assert_eq!(Places::vectors_of(places.frame), Some(places.vectors));
            prop_assert_eq!(places.return_to + 8, places.frame);
            prop_assert_eq!(places.frame % 16, 0);
        }
    }

    #[test]
    fn a_handler_finds_its_return_address_right_below_the_frame() {
        let frame = SignalFrame { mask: 5, ..SignalFrame::default() };
        let on_stack = OnStack { return_to: 0x40_0000, frame };
        assert_eq!((on_stack.return_to, on_stack.frame.mask), (0x40_0000, 5));
        assert_eq!((core::mem::offset_of!(OnStack, frame), size_of::<OnStack>()), (8, 8 + 176));
    }

    #[test]
    fn exceptions_count_as_the_signals_that_programs_know_them_by() {
        let expected = [
            (0, Signal::FPE),
            (1, Signal::TRAP),
            (6, Signal::ILL),
            (12, Signal::BUS),
            (13, Signal::SEGV),
            (14, Signal::SEGV),
            (17, Signal::BUS),
            (19, Signal::FPE),
        ];
        assert_eq!(
            expected.map(|(vector, _)| signal_of_exception(vector)),
            expected.map(|(_, signal)| signal)
        );
    }

    #[test]
    fn a_handler_begins_with_what_it_is_told_and_nothing_else() {
        let (general, all) = ([7; 15], u64::MAX);
        let mut frame =
            SignalFrame { general, rflags: all, modes: all, stack: all, ..SignalFrame::default() };
        frame.begin_handler(0x40_0000, 0x50_0008, Signal::SEGV, [14, 0x1234], SEGMENTS);
        let mut words = frame.general;
        assert_eq!((words[RDI], words[RSI], words[RDX]), (11, 14, 0x1234));
        [words[RDI], words[RSI], words[RDX]] = [0; 3];
        assert_eq!(words, [0; 15]);
        assert_eq!((frame.rip, frame.rsp, frame.rflags), (0x40_0000, 0x50_0008, 0x202));
        assert_eq!([frame.code_or_vector_bytes, frame.stack], SEGMENTS.map(u64::from));
        assert_eq!(frame.modes, 0x037f_0000_1f80);
    }
}
