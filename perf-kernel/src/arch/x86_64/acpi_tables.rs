//! The firmware's tables, found by the `acpi` crate.

use alloc::vec::Vec;
use core::ptr::NonNull;

use acpi::address::GenericAddress;
use acpi::aml::AmlError;
use acpi::sdt::fadt::Fadt;
use acpi::{AcpiTables, Handle, Handler, HpetInfo, PciAddress, PhysicalMapping};

use super::{PhysicalMemory, Ports, Ring0};

/// No table is larger; a header that claims more is broken.
const TABLE_BYTES_MAX: usize = 4 << 20;
const HEADER_BYTES: usize = 36;
const RSDP_V1_BYTES: usize = 20;
const RSDP_BYTES: usize = 36;

/// The tables of this machine.
pub struct Tables {
    tables: AcpiTables<Mapper>,
    memory: PhysicalMemory,
    oem: [u8; 6],
}

/// The power management timer.
#[derive(Clone, Copy, Debug)]
pub struct PowerTimer {
    /// Where it is read.
    pub address: GenericAddress,
    /// Whether it counts 32 bits instead of 24.
    pub is_32_bit: bool,
}

impl Tables {
    /// The tables that the root pointer at `rsdp` leads to; `None` if it or the root table is broken.
    #[must_use]
    pub fn open(ring0: Ring0, memory: PhysicalMemory, rsdp: u64) -> Option<Self> {
        // The crate trusts the lengths in both structures, so they are checked first (ACPI 6.5, sections 5.2.5.3,
        // 5.2.7 and 5.2.8).
        let mut pointer = [0; RSDP_BYTES];
        memory.read(rsdp, &mut pointer)?;
        let extended = if pointer[15] == 0 { 0 } else { long(&pointer, 24)? };
        // Some firmware of the later version still has the shorter table only.
        let is_short = extended == 0;
        let root = if is_short { u64::from(word(&pointer, 16)?) } else { extended };
        if !pointer.starts_with(b"RSD PTR ") || !sums_to_zero(&pointer[..RSDP_V1_BYTES]) {
            return None;
        }
        let root_table = read_table(&memory, root)?;
        let signature: &[u8] = if is_short { b"RSDT" } else { b"XSDT" };
        if !root_table.starts_with(signature) || !sums_to_zero(&root_table) {
            return None;
        }
        let mut oem = [0; 6];
        oem.copy_from_slice(root_table.get(10..16)?);
        let mapper = Mapper { memory, ports: Ports::new(ring0) };
        let root = usize::try_from(root).ok()?;
        let revision = if is_short { 0 } else { pointer[15] };
        // SAFETY: the root table is there, has the right signature, a plausible length and the right sum.
        let tables = unsafe { AcpiTables::from_rsdt(mapper, revision, root) }.ok()?;
        Some(Self { tables, memory, oem })
    }

    /// The maker of the root table, as padded text.
    #[must_use]
    pub const fn oem(&self) -> &[u8; 6] {
        &self.oem
    }

    /// A copy of the first table with `signature` whose sum is right.
    #[must_use]
    pub fn find(&self, signature: [u8; 4]) -> Option<Vec<u8>> {
        self.tables.table_entries().find_map(|address| {
            let mut header = [0; 4];
            let address = u64::try_from(address).ok()?;
            self.memory.read(address, &mut header)?;
            if header != signature {
                return None;
            }
            read_table(&self.memory, address).filter(|table| sums_to_zero(table))
        })
    }

    /// The high precision event timer.
    #[must_use]
    pub fn event_timer(&self) -> Option<HpetInfo> {
        HpetInfo::new(&self.tables).ok()
    }

    /// The power management timer.
    #[must_use]
    pub fn power_timer(&self) -> Option<PowerTimer> {
        let fadt = self.tables.find_table::<Fadt>()?;
        let address = fadt.pm_timer_block().ok()??;
        let flags = fadt.flags;
        Some(PowerTimer { address, is_32_bit: flags.pm_timer_is_32_bit() })
    }
}

fn read_table(memory: &PhysicalMemory, address: u64) -> Option<Vec<u8>> {
    let mut header = [0; HEADER_BYTES];
    memory.read(address, &mut header)?;
    let length = usize::try_from(word(&header, 4)?).ok()?;
    if !(HEADER_BYTES..=TABLE_BYTES_MAX).contains(&length) {
        return None;
    }
    let mut table = alloc::vec![0; length];
    memory.read(address, &mut table)?;
    Some(table)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

/// What a table address that is not mapped reads as: no signature matches it.
static NOTHING: Nothing = Nothing([0; 4096]);

#[repr(align(4096))]
struct Nothing(#[expect(dead_code, reason = "only its address is used")] [u8; 4096]);

/// The crate's access to the machine.
#[derive(Clone, Copy)]
struct Mapper {
    memory: PhysicalMemory,
    ports: Ports,
}

macro_rules! memory_access {
    ($read:ident, $write:ident, $word:ty) => {
        fn $read(&self, address: usize) -> $word {
            let mut bytes = [0; size_of::<$word>()];
            let _ = self.memory.read(address as u64, &mut bytes);
            <$word>::from_le_bytes(bytes)
        }

        fn $write(&self, address: usize, value: $word) {
            if let Some(mut registers) = self.memory.registers(address as u64, size_of::<$word>()) {
                registers.$write(0, value);
            }
        }
    };
}

macro_rules! configuration_access {
    ($read:ident, $write:ident, $port_read:ident, $port_write:ident, $word:ty) => {
        fn $read(&self, address: PciAddress, offset: u16) -> $word {
            self.ports.write_u32(CONFIGURATION_ADDRESS, configuration_address(address, offset));
            self.ports.$port_read(CONFIGURATION_DATA | offset & 3)
        }

        fn $write(&self, address: PciAddress, offset: u16, value: $word) {
            self.ports.write_u32(CONFIGURATION_ADDRESS, configuration_address(address, offset));
            self.ports.$port_write(CONFIGURATION_DATA | offset & 3, value);
        }
    };
}

const CONFIGURATION_ADDRESS: u16 = 0xcf8;
const CONFIGURATION_DATA: u16 = 0xcfc;

/// PCI Local Bus 3.0, section 3.2.2.3.2.
fn configuration_address(address: PciAddress, offset: u16) -> u32 {
    let bus = u32::from(address.bus()) << 16;
    let device = u32::from(address.device()) << 11;
    let function = u32::from(address.function()) << 8;
    1 << 31 | bus | device | function | u32::from(offset & 0xfc)
}

impl Handler for Mapper {
    unsafe fn map_physical_region<T>(&self, address: usize, size: usize) -> PhysicalMapping<Self, T> {
        let mapped = self.memory.pointer(address as u64, size.max(size_of::<T>()));
        let start = mapped.unwrap_or(NonNull::from(&NOTHING).cast());
        PhysicalMapping {
            physical_start: address,
            virtual_start: start.cast(),
            region_length: size,
            mapped_length: size,
            handler: *self,
        }
    }

    fn unmap_physical_region<T>(_region: &PhysicalMapping<Self, T>) {}

    memory_access!(read_u8, write_u8, u8);
    memory_access!(read_u16, write_u16, u16);
    memory_access!(read_u32, write_u32, u32);
    memory_access!(read_u64, write_u64, u64);

    fn read_io_u8(&self, port: u16) -> u8 {
        self.ports.read_u8(port)
    }

    fn read_io_u16(&self, port: u16) -> u16 {
        self.ports.read_u16(port)
    }

    fn read_io_u32(&self, port: u16) -> u32 {
        self.ports.read_u32(port)
    }

    fn write_io_u8(&self, port: u16, value: u8) {
        self.ports.write_u8(port, value);
    }

    fn write_io_u16(&self, port: u16, value: u16) {
        self.ports.write_u16(port, value);
    }

    fn write_io_u32(&self, port: u16, value: u32) {
        self.ports.write_u32(port, value);
    }

    configuration_access!(read_pci_u8, write_pci_u8, read_u8, write_u8, u8);
    configuration_access!(read_pci_u16, write_pci_u16, read_u16, write_u16, u16);
    configuration_access!(read_pci_u32, write_pci_u32, read_u32, write_u32, u32);

    // Only the crate's interpreter of AML asks for time and mutexes, and nothing here starts it. It cannot be left
    // out: the crate does not build without it.
    fn nanos_since_boot(&self) -> u64 {
        unreachable!("no AML is interpreted")
    }

    fn stall(&self, _microseconds: u64) {
        unreachable!("no AML is interpreted")
    }

    fn sleep(&self, _milliseconds: u64) {
        unreachable!("no AML is interpreted")
    }

    fn create_mutex(&self) -> Handle {
        unreachable!("no AML is interpreted")
    }

    fn acquire(&self, _mutex: Handle, _timeout: u16) -> Result<(), AmlError> {
        unreachable!("no AML is interpreted")
    }

    fn release(&self, _mutex: Handle) {
        unreachable!("no AML is interpreted")
    }
}
