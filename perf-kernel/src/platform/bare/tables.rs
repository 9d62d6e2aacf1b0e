//! Four of the firmware's tables, read from their bytes: serial consoles, processors, and how the machine is reset.

use alloc::vec::Vec;

/// The header that every table begins with (ACPI 6.5, section 5.2.6).
const HEADER_BYTES: usize = 36;

/// Registers of a UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UartPlace {
    /// Eight I/O ports from this one.
    Port(u16),
    /// Memory from `address` on, one register every `stride` bytes and accessed in that width: 1, 2 or 4.
    Memory {
        /// The first register.
        address: u64,
        /// Bytes from one register to the next.
        stride: u8,
    },
}

/// A serial console that the firmware names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SerialConsole {
    /// Where it is.
    pub(super) place: UartPlace,
    /// The clock that its divisor divides; `None` if the firmware does not say.
    pub(super) clock_hertz: Option<u32>,
}

/// The console of the Serial Port Console Redirection table (Microsoft, SPCR revision 4); `None` if redirection is
/// off or the UART is not a 16550.
pub(super) fn spcr_console(table: &[u8]) -> Option<SerialConsole> {
    const INTERFACE: usize = HEADER_BYTES;
    const BASE: usize = 40;
    const CLOCK: usize = 76;
    const CLOCK_REVISION: u8 = 3;
    let table = signed(table, b"SPCR")?;
    if !is_16550(u16::from(*table.get(INTERFACE)?)) {
        return None;
    }
    let revision = *table.get(8)?;
    let clock = if revision >= CLOCK_REVISION { u32_at(table, CLOCK) } else { None };
    Some(SerialConsole {
        place: uart_place(table.get(BASE..)?)?,
        clock_hertz: clock.filter(|hertz| *hertz > 0),
    })
}

/// The consoles of the Debug Port table (Microsoft, DBG2 revision 0) that are 16550 UARTs, in its order.
pub(super) fn dbg2_consoles(table: &[u8]) -> Vec<SerialConsole> {
    const OFFSET: usize = HEADER_BYTES;
    const COUNT: usize = 40;
    let mut consoles = Vec::new();
    let Some(table) = signed(table, b"DBG2") else { return consoles };
    let (Some(offset), Some(count)) = (u32_at(table, OFFSET), u32_at(table, COUNT)) else { return consoles };
    let Ok(mut at) = usize::try_from(offset) else { return consoles };
    for _ in 0..count {
        // An entry holds its own length, and one of length zero would never end.
        let Some(length) = u16_at(table, at.saturating_add(1)).filter(|length| *length >= 22) else { break };
        let Some(entry) = table.get(at..at + usize::from(length)) else { break };
        consoles.extend(dbg2_console(entry));
        at += usize::from(length);
    }
    consoles
}

fn dbg2_console(entry: &[u8]) -> Option<SerialConsole> {
    const REGISTERS: usize = 3;
    const PORT_TYPE: usize = 12;
    const PORT_SUBTYPE: usize = 14;
    const BASE_OFFSET: usize = 18;
    const SERIAL: u16 = 0x8000;
    let is_serial = u16_at(entry, PORT_TYPE)? == SERIAL && is_16550(u16_at(entry, PORT_SUBTYPE)?);
    if !is_serial || *entry.get(REGISTERS)? == 0 {
        return None;
    }
    let base = usize::from(u16_at(entry, BASE_OFFSET)?);
    Some(SerialConsole { place: uart_place(entry.get(base..)?)?, clock_hertz: None })
}

/// How the firmware wants the machine to be reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ResetRegister {
    /// Where it is.
    pub(super) place: ResetPlace,
    /// What is written to it.
    pub(super) value: u8,
}

/// Where a reset register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResetPlace {
    /// An I/O port.
    Port(u16),
    /// An address in memory.
    Memory(u64),
}

/// The reset register of the Fixed ACPI Description Table (ACPI 6.5, section 5.2.9 and 4.8.3.6); `None` if there is none,
/// or if it lies in the configuration space of a PCI function.
pub(super) fn reset_register(table: &[u8]) -> Option<ResetRegister> {
    const FLAGS: usize = 112;
    const REGISTER: usize = 116;
    const VALUE: usize = 128;
    const RESET_REG_SUP: u32 = 1 << 10;
    let table = signed(table, b"FACP")?;
    if u32_at(table, FLAGS)? & RESET_REG_SUP == 0 {
        return None;
    }
    let register = table.get(REGISTER..VALUE)?;
    let address = u64_at(register, 4)?;
    let place = match *register.first()? {
        0 => ResetPlace::Memory(address),
        1 => ResetPlace::Port(u16::try_from(address).ok()?),
        _ => return None,
    };
    Some(ResetRegister { place, value: *table.get(VALUE)? })
}

/// The APIC identities of the processors of the Multiple APIC Description Table that are enabled (ACPI 6.5, sections
/// 5.2.12.2 and 5.2.12.12), in its order; empty if the table is broken.
pub(super) fn enabled_processors(table: &[u8]) -> Vec<u32> {
    const ENABLED: u32 = 1;
    let mut identities: Vec<u32> = Vec::new();
    for entry in entries(table) {
        let processor = match entry.first() {
            // Local APIC and local x2APIC: flags and identity.
            Some(0) => u32_at(entry, 4).zip(entry.get(3).map(|identity| u32::from(*identity))),
            Some(9) => u32_at(entry, 8).zip(u32_at(entry, 4)),
            _ => None,
        };
        // Some firmware lists a processor twice, once each way.
        if let Some((flags, identity)) = processor
            && flags & ENABLED != 0
            && !identities.contains(&identity)
        {
            identities.push(identity);
        }
    }
    identities
}

/// The entries of the Multiple APIC Description Table, which begin with their kind; none if the table is broken.
pub(super) fn entries(table: &[u8]) -> impl Iterator<Item = &[u8]> {
    const ENTRIES: usize = 44;
    let mut rest = signed(table, b"APIC").and_then(|table| table.get(ENTRIES..)).unwrap_or_default();
    core::iter::from_fn(move || {
        let length = usize::from(*rest.get(1)?);
        // One of length zero would never end.
        let entry = rest.get(..length).filter(|_| length >= 2)?;
        rest = &rest[length..];
        Some(entry)
    })
}

/// Interface types of SPCR, which are the serial subtypes of DBG2: 16550, its 16450 subset, and 16550 with the
/// parameters of the generic address.
const fn is_16550(interface: u16) -> bool {
    matches!(interface, 0 | 1 | 0x12)
}

/// Reads a generic address (ACPI 6.5, section 5.2.3.2); `None` if no 16550 can be reached there.
fn uart_place(address: &[u8]) -> Option<UartPlace> {
    const MEMORY: u8 = 0;
    const IO: u8 = 1;
    let (Some([space, bit_width, bit_offset, access]), Some(address)) =
        (address.first_chunk::<4>(), u64_at(address, 4))
    else {
        return None;
    };
    if address == 0 || *bit_offset != 0 {
        return None;
    }
    // Access sizes count from bytes; 0 leaves it to the width of the register.
    let stride = match (*access, *bit_width) {
        (1, _) | (0, 0 | 8) => 1,
        (2, _) | (0, 16) => 2,
        (3, _) | (0, 32) => 4,
        _ => return None,
    };
    match *space {
        IO if stride == 1 => {
            let port = u16::try_from(address).ok()?;
            port.checked_add(7).map(|_| UartPlace::Port(port))
        }
        MEMORY if address.is_multiple_of(u64::from(stride)) => Some(UartPlace::Memory { address, stride }),
        _ => None,
    }
}

/// `table` cut to the length that it claims, if it has `signature` and is that long.
fn signed<'a>(table: &'a [u8], signature: &[u8; 4]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32_at(table, 4)?).ok()?;
    table.get(..length).filter(|table| table.starts_with(signature))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn table(signature: &[u8; 4], revision: u8, length: usize) -> Vec<u8> {
        let mut table = vec![0; length];
        table[..4].copy_from_slice(signature);
        table[4..8].copy_from_slice(&u32::try_from(length).expect("it is short").to_le_bytes());
        table[8] = revision;
        table
    }

    fn generic(space: u8, bits: u8, access: u8, address: u64) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&[space, bits, 0, access]);
        bytes[4..].copy_from_slice(&address.to_le_bytes());
        bytes
    }

    fn spcr(revision: u8, interface: u8, base: [u8; 12], clock: u32) -> Vec<u8> {
        let mut table = table(b"SPCR", revision, 88);
        table[36] = interface;
        table[40..52].copy_from_slice(&base);
        table[76..80].copy_from_slice(&clock.to_le_bytes());
        table
    }

    fn dbg2(entries: &[(u16, u16, [u8; 12])]) -> Vec<u8> {
        let mut table = table(b"DBG2", 0, 44 + entries.len() * 38);
        let length = u32::try_from(table.len()).expect("it is short");
        table[4..8].copy_from_slice(&length.to_le_bytes());
        table[36] = 44;
        table[40] = u8::try_from(entries.len()).expect("they are few");
        for (index, (kind, subtype, base)) in entries.iter().enumerate() {
            let entry = &mut table[44 + index * 38..][..38];
            entry[1] = 38;
            entry[3] = 1;
            entry[12..14].copy_from_slice(&kind.to_le_bytes());
            entry[14..16].copy_from_slice(&subtype.to_le_bytes());
            entry[18] = 22;
            entry[22..34].copy_from_slice(base);
        }
        table
    }

    fn place(table: &[u8]) -> Option<UartPlace> {
        spcr_console(table).map(|console| console.place)
    }

    #[test]
    fn spcr_names_a_port() {
        let console = spcr_console(&spcr(2, 0, generic(1, 8, 1, 0x3f8), 7)).expect("a console");
        // The clock came with revision 3: before, the bytes are reserved.
        assert_eq!(console, SerialConsole { place: UartPlace::Port(0x3f8), clock_hertz: None });
    }

    #[test]
    fn spcr_names_memory_with_the_stride_of_its_access_size() {
        let memory = |bits, access, address| place(&spcr(4, 0x12, generic(0, bits, access, address), 0));
        assert_eq!(memory(32, 3, 0xfe03_4000), Some(UartPlace::Memory { address: 0xfe03_4000, stride: 4 }));
        assert_eq!(memory(32, 0, 0xfe03_4000), Some(UartPlace::Memory { address: 0xfe03_4000, stride: 4 }));
        assert_eq!(memory(8, 1, 0xfe03_4001), Some(UartPlace::Memory { address: 0xfe03_4001, stride: 1 }));
        assert_eq!(memory(32, 3, 0xfe03_4001), None);
        assert_eq!(memory(64, 4, 0xfe03_4000), None);
    }

    #[test]
    fn spcr_names_the_clock_from_revision_3_on() {
        let clock = |hertz| {
            spcr_console(&spcr(3, 0x12, generic(0, 32, 3, 0x1000), hertz))
                .and_then(|console| console.clock_hertz)
        };
        assert_eq!(clock(48_000_000), Some(48_000_000));
        assert_eq!(clock(0), None);
    }

    #[test]
    fn other_uarts_and_address_spaces_are_passed_over() {
        assert_eq!(place(&spcr(2, 3, generic(0, 32, 3, 0x1000), 0)), None);
        assert_eq!(place(&spcr(2, 0, generic(2, 8, 1, 0x3f8), 0)), None);
        assert_eq!(place(&spcr(2, 0, generic(1, 32, 3, 0x3f8), 0)), None);
        assert_eq!(place(&spcr(2, 0, generic(1, 8, 1, 0xfffa), 0)), None);
        assert_eq!(place(&spcr(2, 0, generic(1, 8, 1, 0), 0)), None);
        assert_eq!(place(&table(b"HPET", 2, 88)), None);
    }

    #[test]
    fn dbg2_lists_its_16550s_in_order() {
        let entries = [
            (0x8001, 0, generic(1, 8, 1, 0x2f8)),
            (0x8000, 3, generic(0, 32, 3, 0x1000)),
            (0x8000, 0, generic(1, 8, 1, 0x2f8)),
            (0x8000, 0x12, generic(0, 32, 3, 0x2000)),
        ];
        let places: Vec<UartPlace> =
            dbg2_consoles(&dbg2(&entries)).iter().map(|console| console.place).collect();
        assert_eq!(places, [UartPlace::Port(0x2f8), UartPlace::Memory { address: 0x2000, stride: 4 }]);
    }

    #[test]
    fn a_dbg2_entry_of_length_zero_ends_the_list() {
        let mut table = dbg2(&[(0x8000, 0, generic(1, 8, 1, 0x2f8)); 2]);
        table[45] = 0;
        assert!(dbg2_consoles(&table).is_empty());
    }

    #[test]
    fn enabled_processors_are_listed_once() {
        let mut madt = table(b"APIC", 5, 44);
        madt.extend([0, 8, 0, 0, 1, 0, 0, 0]);
        madt.extend([0, 8, 1, 1, 1, 0, 0, 0]);
        // Not enabled, only to be plugged in later.
        madt.extend([0, 8, 2, 2, 2, 0, 0, 0]);
        madt.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
        // The x2APIC entries of processor 1 again and of processor 300.
        madt.extend([9, 16, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        madt.extend([9, 16, 0, 0, 44, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        let length = u32::try_from(madt.len()).expect("it is short");
        madt[4..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(enabled_processors(&madt), [0, 1, 300]);
    }

    #[test]
    fn the_reset_register_counts_where_the_table_says_that_there_is_one() {
        let fadt = |flags: u32, register: [u8; 12], length| {
            let mut fadt = table(b"FACP", 3, length);
            fadt[112..116].copy_from_slice(&flags.to_le_bytes());
            fadt[116..128].copy_from_slice(&register);
            if let Some(value) = fadt.get_mut(128) {
                *value = 0x0f;
            }
            reset_register(&fadt)
        };
        let port = generic(1, 8, 1, 0xcf9);
        let place = |place| Some(ResetRegister { place, value: 0x0f });
        assert_eq!(fadt(1 << 10, port, 244), place(ResetPlace::Port(0xcf9)));
        assert_eq!(fadt(1 << 10, generic(0, 8, 1, 0xfed8_0000), 244), place(ResetPlace::Memory(0xfed8_0000)));
        assert_eq!(fadt(1 << 9, port, 244), None);
        assert_eq!(fadt(1 << 10, port, 128), None);
        assert_eq!(fadt(1 << 10, generic(2, 8, 1, 0x44), 244), None);
        assert_eq!(fadt(1 << 10, generic(1, 8, 1, 0x1_0cf9), 244), None);
    }

    #[test]
    fn an_entry_of_length_zero_ends_the_processors() {
        let mut madt = table(b"APIC", 5, 52);
        madt[44..].copy_from_slice(&[0, 0, 0, 0, 1, 0, 0, 0]);
        assert!(enabled_processors(&madt).is_empty());
    }

    proptest! {
        #[test]
        fn broken_tables_are_read_without_panic(
            signature in prop::sample::select(vec![*b"SPCR", *b"DBG2", *b"APIC", *b"FACP"]),
            body in prop::collection::vec(any::<u8>(), 0..200),
            length in 0_u32..250,
        ) {
            let mut bytes = signature.to_vec();
            bytes.extend(length.to_le_bytes());
            bytes.extend(body);
            let _ = spcr_console(&bytes);
            let _ = dbg2_consoles(&bytes);
            let _ = enabled_processors(&bytes);
            let _ = reset_register(&bytes);
        }
    }
}
