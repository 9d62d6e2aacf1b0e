//! A guest of a few dozen instructions that shows whether an accelerator works and is fast.
//!
//! It is a firmware of its own: the machine starts in it, so that nothing else has to run first. What it does is what
//! the kernel does and broken virtualisation does not: protected mode, SSE in ring 0, a long loop. It writes a mark to
//! the debug console, works, writes its result, and ends QEMU.

/// Rounds of the loop: about 50 ms on the CPU itself, a minute where every instruction is emulated on its own.
const ROUNDS: u32 = 10_000_000;
/// A full-period generator modulo 2^32 (Numerical Recipes, third edition, section 7.1.6).
const FACTOR: u32 = 1_664_525;
const ADDEND: u32 = 1_013_904_223;
/// Where the loop starts.
const SEED: u32 = 1;

/// What the guest writes before it starts to work.
pub(super) const MARK: u8 = b'S';
/// The port of [`MARK`] and result: QEMU's debug console.
const CONSOLE_PORT: u8 = 0xe9;
/// The port that ends QEMU, with status 1 for the value 0.
pub(super) const EXIT_PORT: u8 = 0xf4;

/// The size of the firmware, the smallest that QEMU takes.
const ROM_BYTES: usize = 64 * 1024;
/// Where the firmware ends in the first instructions' view (Intel SDM volume 3, section 10.1.4): it begins 64 KiB
/// below 4 GiB.
const ROM_BASE: u32 = 0xffff_0000;
/// Where the CPU starts, from the beginning of the firmware.
const RESET: usize = 0xfff0;
/// Where the tables lie.
const TABLE: u16 = 0x100;
const TABLE_POINTER: u16 = 0x140;
/// Where the 32-bit code lies.
const CODE_32: u16 = 0x200;

/// The firmware.
pub(super) fn rom() -> Vec<u8> {
    let mut rom = vec![0xf4; ROM_BYTES];
    let mut put = |offset: u16, bytes: &[u8]| {
        let offset = usize::from(offset);
        rom[offset..offset + bytes.len()].copy_from_slice(bytes);
    };
    put(0, &code_16());
    put(TABLE, &descriptors());
    put(TABLE_POINTER, &table_pointer());
    put(CODE_32, &code_32());
    // jmp from the reset vector to offset 0: 3 bytes long, 16 bytes before the end of the segment.
    rom[RESET..RESET + 3].copy_from_slice(&[0xe9, 0x0d, 0x00]);
    rom
}

/// The result that the guest must write, least significant byte first.
pub(super) const fn expected() -> [u8; 4] {
    // One round is x -> FACTOR * x + ADDEND; rounds compose to the same form, so that squaring gets there in 24 steps.
    let (mut factor, mut addend) = (FACTOR, ADDEND);
    let (mut all_factor, mut all_addend) = (1_u32, 0_u32);
    let mut rounds = ROUNDS;
    while rounds > 0 {
        if rounds & 1 == 1 {
            all_factor = all_factor.wrapping_mul(factor);
            all_addend = all_addend.wrapping_mul(factor).wrapping_add(addend);
        }
        addend = addend.wrapping_mul(factor).wrapping_add(addend);
        factor = factor.wrapping_mul(factor);
        rounds >>= 1;
    }
    all_factor.wrapping_mul(SEED).wrapping_add(all_addend).to_le_bytes()
}

/// From real mode to protected mode (Intel SDM volume 3, section 11.9.1).
fn code_16() -> Vec<u8> {
    let [pointer_low, pointer_high] = TABLE_POINTER.to_le_bytes();
    let [a, b, c, d] = (ROM_BASE + u32::from(CODE_32)).to_le_bytes();
    [
        &[0xfa][..],                                                // cli
        &[0x66, 0x2e, 0x0f, 0x01, 0x16, pointer_low, pointer_high], // lgdt cs:[TABLE_POINTER]
        &[0x0f, 0x20, 0xc0],                                        // mov eax, cr0
        &[0x0c, 0x01],                                              // or al, PE
        &[0x0f, 0x22, 0xc0],                                        // mov cr0, eax
        &[0x66, 0xea, a, b, c, d, 0x08, 0x00],                      // jmp 0x08:CODE_32
    ]
    .concat()
}

/// Null, flat code, flat data; marked as accessed, as a CPU cannot write that mark into a ROM.
fn descriptors() -> Vec<u8> {
    let code = [0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0];
    let data = [0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0];
    [[0; 8], code, data].concat()
}

fn table_pointer() -> Vec<u8> {
    let [a, b, c, d] = (ROM_BASE + u32::from(TABLE)).to_le_bytes();
    vec![3 * 8 - 1, 0, a, b, c, d]
}

fn code_32() -> Vec<u8> {
    let with = |opcode: u8, number: u32| [&[opcode][..], &number.to_le_bytes()].concat();
    let work = [
        &[0x69, 0xc0][..],
        &FACTOR.to_le_bytes(),     // imul eax, eax, FACTOR
        &with(0x05, ADDEND),       // add eax, ADDEND
        &[0x66, 0x0f, 0x6e, 0xc0], // movd xmm0, eax
        &[0x66, 0x0f, 0x7e, 0xc0], // movd eax, xmm0
        &[0x49],                   // dec ecx
    ]
    .concat();
    // The jump is two bytes long itself.
    let back = i8::try_from(work.len() + 2).map_or(0, i8::wrapping_neg).to_le_bytes();
    [
        &[0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8][..], // mov ax, 0x10; mov ds, ax
        &[0x0f, 0x20, 0xc0, 0x24, 0xfb, 0x0c, 0x02, 0x0f, 0x22, 0xc0], // cr0: EM (bit 2) off, MP (bit 1) on
        &[0x0f, 0x20, 0xe0],                       // mov eax, cr4
        &with(0x0d, 0x600),                        // or eax, OSFXSR | OSXMMEXCPT
        &[0x0f, 0x22, 0xe0],                       // mov cr4, eax
        &[0xb0, MARK, 0xe6, CONSOLE_PORT],         // the mark
        &with(0xb8, SEED),                         // mov eax, SEED
        &with(0xb9, ROUNDS),                       // mov ecx, ROUNDS
        &work,
        &[0x75, back[0]],                                          // jnz work
        &with(0xb9, 4),                                            // mov ecx, 4
        &[0xe6, CONSOLE_PORT, 0xc1, 0xe8, 0x08, 0x49, 0x75, 0xf8], // out al; shr eax, 8; dec ecx; jnz
        &[0xb0, 0x00, 0xe6, EXIT_PORT],                            // end QEMU
        &[0xf4, 0xeb, 0xfd],                                       // hlt; jmp to it
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_result_is_that_of_the_loop() {
        let mut state = SEED;
        for _ in 0..ROUNDS {
            state = state.wrapping_mul(FACTOR).wrapping_add(ADDEND);
        }
        assert_eq!(expected(), state.to_le_bytes());
    }

    #[test]
    fn the_parts_do_not_overlap() {
        assert!(code_16().len() <= usize::from(TABLE));
        assert!(usize::from(TABLE) + descriptors().len() <= usize::from(TABLE_POINTER));
        assert!(usize::from(TABLE_POINTER) + table_pointer().len() <= usize::from(CODE_32));
        assert_eq!(rom().len(), ROM_BYTES);
    }
}
