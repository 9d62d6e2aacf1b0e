//! The registers that a call does not keep, for a thread that an interrupt stops.

use core::arch::x86_64::{__cpuid, _fxrstor64, _fxsave64, _xgetbv, _xrstor64, _xsave64};
#[cfg(test)]
use core::arch::{asm, global_asm};
use core::mem::MaybeUninit;

/// The components that are kept: x87, SSE, AVX and the three of AVX-512 (Intel SDM volume 1, section 13.1).
const COMPONENTS: u64 = 0b1110_0111;
/// Where the last of them ends (section 13.4.3 and CPUID leaf 0DH).
pub(super) const AREA_BYTES: usize = 2688;
/// Where the header of an area lies, of which XRSTOR wants all but the first eight bytes zero (section 13.4.2).
pub(super) const HEADER: usize = 512;
const HEADER_BYTES: usize = 64;

/// How this processor keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// XSAVE with these components: those that XCR0 has on.
    Xsave(u64),
    /// FXSAVE: x87 and SSE, which is all there is without XSAVE.
    Fxsave,
}

impl Method {
    /// What fits this processor as it is set up.
    pub(super) fn detect() -> Self {
        /// CPUID.1:ECX, OSXSAVE: XGETBV and XSAVE may be used.
        const OSXSAVE: u32 = 1 << 27;
        if __cpuid(1).ecx & OSXSAVE == 0 {
            return Self::Fxsave;
        }
        // SAFETY: OSXSAVE says that the instruction is there.
        Self::Xsave(unsafe { xcr0() } & COMPONENTS)
    }
}

/// The components that XSAVE keeps on this processor; 0 without XSAVE.
pub(super) fn components() -> u64 {
    match Method::detect() {
        Method::Xsave(components) => components,
        Method::Fxsave => 0,
    }
}

/// All registers as after reset: a header of zeros says so for every component (Intel SDM volume 1, section 13.6), and the
/// legacy part, for FXRSTOR, has the control words in its words 0 and 12 (section 10.5.1).
pub(super) static CLEAN: Area = {
    let mut bytes = [0; AREA_BYTES];
    [bytes[0], bytes[1]] = 0x037f_u16.to_le_bytes();
    [bytes[24], bytes[25]] = 0x1f80_u16.to_le_bytes();
    Area(bytes)
};

/// Instructions that clear the registers of the components in EAX, or x87 and SSE if there are none, but for the two control
/// words; `{clean}` is [`CLEAN`]. They use the eight bytes at RSP, and change RDX and the flags.
macro_rules! clear_instructions {
    () => {
        concat!(
            "stmxcsr [rsp]\n",
            "fnstcw [rsp + 4]\n",
            "xor edx, edx\n",
            "test eax, eax\n",
            "jz 8f\n",
            "xrstor64 [rip + {clean}]\n",
            "9:\n",
            "ldmxcsr [rsp]\n",
            "fldcw [rsp + 4]\n",
            ".subsection 1\n",
            "8:\n",
            "fxrstor64 [rip + {clean}]\n",
            "jmp 9b\n",
            ".previous\n",
        )
    };
}
#[cfg(feature = "kernel")]
pub(super) use clear_instructions;

#[cfg(test)]
global_asm!(
    ".pushsection .text.vector_state, \"ax\", @progbits",
    ".global vector_state_clear",
    "vector_state_clear:",
    "mov eax, edi",
    "sub rsp, 8",
    clear_instructions!(),
    "add rsp, 8",
    "ret",
    ".popsection",
    clean = sym CLEAN,
);

#[cfg(test)]
unsafe extern "sysv64" {
    /// Clears the registers of `components`, or x87 and SSE if there are none, but for the two control words.
    ///
    /// # Safety
    /// The components are among those of [`components`].
    pub(super) fn vector_state_clear(components: u32);
}

#[repr(C, align(64))]
pub(super) struct Area([u8; AREA_BYTES]);

/// Bytes that an image of `components` takes in the standard format (Intel SDM volume 1, section 13.4.3), or that of
/// FXSAVE if there are none.
pub(super) const fn image_bytes(components: u64) -> usize {
    /// The three of AVX-512.
    const AVX512: u64 = 0b1110_0000;
    const AVX: u64 = 0b100;
    match components {
        0 => HEADER,
        some if some & AVX512 != 0 => AREA_BYTES,
        some if some & AVX != 0 => HEADER + HEADER_BYTES + 256,
        _ => HEADER + HEADER_BYTES,
    }
}

/// Makes `image`, of [`image_bytes`] that somebody else wrote, one that XRSTOR of `components`, or FXRSTOR, takes without
/// an exception: reserved bits are clear (Intel SDM volume 1, section 13.8.1), and the format is the standard one.
pub(super) fn make_valid(image: &mut [u8], components: u64) {
    const MXCSR: usize = 24;
    // The upper half of MXCSR is reserved.
    if let Some(reserved) = image.get_mut(MXCSR + 2..MXCSR + 4) {
        reserved.fill(0);
    }
    let Some(header) = image.get_mut(HEADER..) else { return };
    if let Some((state, rest)) = header.split_first_chunk_mut::<8>() {
        *state = (u64::from_le_bytes(*state) & components).to_le_bytes();
        rest.iter_mut().take(HEADER_BYTES - 8).for_each(|byte| *byte = 0);
    }
}

/// Calls `work` and brings the vector and x87 registers back that it has changed, in an interrupt whose stub does the
/// same for what this function's own code changes: x87 and XMM, and no upper halves.
///
/// XSAVE and not XSAVEOPT: the area lies on the stack, and XSAVEOPT leaves out what has not changed since an XRSTOR from
/// the same address (section 13.9), though other calls have written there since.
#[inline(never)]
pub(super) fn keep(method: Method, work: impl FnOnce()) {
    let mut area = MaybeUninit::<Area>::uninit();
    let start = area.as_mut_ptr().cast::<u8>();
    match method {
        Method::Xsave(components) => {
            let header = start.wrapping_add(HEADER);
            // SAFETY: the header lies in the area.
            unsafe { header.write_bytes(0, HEADER_BYTES) };
            // SAFETY: the area is aligned and large enough, and the components are on.
            unsafe { xsave(start, components) };
            work();
            // SAFETY: the area is as XSAVE has left it.
            unsafe { xrstor(start, components) };
        }
        Method::Fxsave => {
            // SAFETY: the area is aligned and large enough; FXSAVE goes with the SSE2 that this is compiled for.
            unsafe { fxsave(start) };
            work();
            // SAFETY: the area is as FXSAVE has left it.
            unsafe { fxrstor(start) };
        }
    }
}

#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: the caller has seen OSXSAVE; register 0 is always there.
    unsafe { _xgetbv(0) }
}

#[target_feature(enable = "xsave")]
unsafe fn xsave(area: *mut u8, components: u64) {
    // SAFETY: the caller keeps the contract.
    unsafe { _xsave64(area, components) };
}

#[target_feature(enable = "xsave")]
unsafe fn xrstor(area: *const u8, components: u64) {
    // SAFETY: the caller keeps the contract.
    unsafe { _xrstor64(area, components) };
}

#[target_feature(enable = "fxsr")]
unsafe fn fxsave(area: *mut u8) {
    // SAFETY: the caller keeps the contract.
    unsafe { _fxsave64(area) };
}

#[target_feature(enable = "fxsr")]
unsafe fn fxrstor(area: *const u8) {
    // SAFETY: the caller keeps the contract.
    unsafe { _fxrstor64(area) };
}

#[cfg(test)]
mod tests {
    use super::*;

    extern "sysv64" fn destroy_and_keep() {
        keep(Method::detect(), || {
            // SAFETY: the register is declared; AVX was looked for.
            unsafe { asm!("vxorps ymm7, ymm7, ymm7", out("ymm7") _) };
        });
    }

    #[test]
    fn upper_halves_that_are_destroyed_meanwhile_are_brought_back() {
        if !std::is_x86_feature_detected!("avx") || Method::detect() == Method::Fxsave {
            return;
        }
        let before: [u64; 4] = [1, 2, 0x1234_5678_9abc_def0, u64::MAX - 5];
        let mut after = [0_u64; 4];
        // SAFETY: the registers that a call may change are declared, the memory is there, and AVX was looked for.
        unsafe {
            asm!(
                "vmovups ymm7, [r12]", "call {work}", "vmovups [r13], ymm7", "vzeroupper",
                in("r12") &raw const before, in("r13") &raw mut after, work = sym destroy_and_keep,
                clobber_abi("sysv64"),
            );
        }
        assert_eq!(after[2..], before[2..]);
    }

    #[test]
    fn an_image_of_any_bytes_is_taken_without_an_exception() {
        let Method::Xsave(components) = Method::detect() else { return };
        let mut stream = 1_u64;
        for _ in 0..1000 {
            let mut area = Area([0; AREA_BYTES]);
            for word in area.0.chunks_exact_mut(8) {
                stream = stream.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                word.copy_from_slice(&(stream ^ stream >> 29).to_le_bytes());
            }
            make_valid(&mut area.0[..image_bytes(components)], components);
            let mut own = Area([0; AREA_BYTES]);
            // SAFETY: the area is aligned and large enough, and the components are on.
            unsafe { xsave(own.0.as_mut_ptr(), components) };
            // SAFETY: reserved bits are clear, which is what is tested; the next instruction brings the own ones back.
            unsafe { xrstor(area.0.as_ptr(), components) };
            // SAFETY: the area is as XSAVE has left it.
            unsafe { xrstor(own.0.as_ptr(), components) };
        }
    }

    extern "sysv64" fn clear_all() {
        let components = u32::try_from(components()).expect("they are among the first eight");
        // SAFETY: they are all there are.
        unsafe { vector_state_clear(components) };
    }

    #[test]
    fn clearing_takes_what_is_in_the_registers_and_keeps_the_control_words() {
        // Single precision, all masked; and flush to zero, all masked.
        let words = [0x1f80 | 1 << 15, 0x007f_u32];
        let (mut after, mut kept) = ([u64::MAX; 2], [0_u32; 2]);
        // SAFETY: the registers that a call may change are declared, the memory is there, and the control words are those
        // of before again.
        unsafe {
            asm!(
                "sub rsp, 16", "stmxcsr [rsp]", "fnstcw [rsp + 4]",
                "pcmpeqd xmm7, xmm7", "ldmxcsr [r12]", "fldcw [r12 + 4]",
                "call {work}",
                "movups [r13], xmm7", "stmxcsr [r14]", "fnstcw [r14 + 4]",
                "ldmxcsr [rsp]", "fldcw [rsp + 4]", "add rsp, 16",
                in("r12") &raw const words, in("r13") &raw mut after, in("r14") &raw mut kept,
                work = sym clear_all, clobber_abi("sysv64"),
            );
        }
        assert_eq!((after, kept[0]), ([0; 2], words[0]));
        // The processor sets bit 6 of the x87 control word itself.
        assert_eq!(kept[1] & 0xffff, words[1]);
    }
}
