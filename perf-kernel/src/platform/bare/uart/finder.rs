//! Where a UART may be, likeliest first.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::UartLink;
use super::probe;
use crate::arch::uart_backend::UartRegisters;
use crate::plan::{Baud, UartChoice};
use crate::platform::bare::tables::{SerialConsole, UartPlace, dbg2_consoles, spcr_console};

/// The ports of a PC's four serial lines.
const LEGACY: [u16; 4] = [0x3f8, 0x2f8, 0x3e8, 0x2e8];

/// Who said that a UART is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platform::bare) enum FoundBy {
    /// The plan.
    Plan,
    /// The firmware's console table.
    Spcr,
    /// The firmware's debug port table.
    Dbg2,
    /// Its PCI class.
    Pci,
    /// Custom.
    Legacy,
}

impl FoundBy {
    const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Spcr => "SPCR",
            Self::Dbg2 => "DBG2",
            Self::Pci => "PCI",
            Self::Legacy => "legacy",
        }
    }
}

/// What there is to go by.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::platform::bare) struct Sources<'a> {
    /// The firmware's console table.
    pub(in crate::platform::bare) spcr: Option<&'a [u8]>,
    /// The firmware's debug port table.
    pub(in crate::platform::bare) dbg2: Option<&'a [u8]>,
}

/// A UART that works.
pub(in crate::platform::bare) struct Found<R: UartRegisters> {
    /// Carries frames over it.
    pub(in crate::platform::bare) link: UartLink<R>,
    /// Where it is.
    pub(in crate::platform::bare) place: UartPlace,
    /// Who said so.
    pub(in crate::platform::bare) found_by: FoundBy,
}

impl<R: UartRegisters> Found<R> {
    /// The place for people, as in `port 0x3f8 (SPCR), 115200 baud`.
    pub(in crate::platform::bare) fn describe(&self) -> String {
        let by = self.found_by.name();
        let baud = self.link.baud();
        match self.place {
            UartPlace::Port(port) => format!("port {port:#x} ({by}), {baud} baud"),
            UartPlace::Memory { address, .. } => format!("memory {address:#x} ({by}), {baud} baud"),
        }
    }
}

/// The first UART that works among those that `choice`, the firmware, the PCI bus (asked only if need be) and custom
/// name. `reach` gives its registers, if they can be reached.
pub(in crate::platform::bare) fn find<R: UartRegisters>(
    choice: UartChoice,
    baud: Baud,
    sources: Sources<'_>,
    pci_ports: impl FnOnce() -> Vec<u16>,
    mut reach: impl FnMut(UartPlace) -> Option<R>,
) -> Option<Found<R>> {
    let mut tried: Vec<UartPlace> = Vec::new();
    let mut try_one = |found_by: FoundBy, console: SerialConsole| {
        if tried.contains(&console.place) {
            return None;
        }
        tried.push(console.place);
        let link = probe::open(reach(console.place)?, baud, console.clock_hertz).ok()?;
        Some(Found { link, place: console.place, found_by })
    };
    let at_port = |port| SerialConsole { place: UartPlace::Port(port), clock_hertz: None };
    match choice {
        UartChoice::None => return None,
        UartChoice::Port(port) => return try_one(FoundBy::Plan, at_port(port)),
        UartChoice::Auto => {}
    }
    let spcr = sources.spcr.and_then(spcr_console);
    spcr.and_then(|console| try_one(FoundBy::Spcr, console))
        .or_else(|| {
            let consoles = sources.dbg2.map(dbg2_consoles).unwrap_or_default();
            consoles.into_iter().find_map(|console| try_one(FoundBy::Dbg2, console))
        })
        .or_else(|| pci_ports().into_iter().find_map(|port| try_one(FoundBy::Pci, at_port(port))))
        .or_else(|| LEGACY.into_iter().find_map(|port| try_one(FoundBy::Legacy, at_port(port))))
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;

    use super::*;
    use crate::platform::bare::uart::simulated::{Fault, Simulated};

    /// A UART that may be missing, of its own.
    struct Owned(Simulated);

    impl UartRegisters for Owned {
        fn read(&mut self, register: u8) -> u8 {
            (&mut &mut self.0).read(register)
        }

        fn write(&mut self, register: u8, value: u8) {
            (&mut &mut self.0).write(register, value);
        }
    }

    fn spcr(port: u8) -> Vec<u8> {
        let mut table = alloc::vec![0; 80];
        table[..5].copy_from_slice(b"SPCR\x50");
        table[40..46].copy_from_slice(&[1, 8, 0, 1, port, 3]);
        table
    }

    /// Finds on a machine with UARTs at `present`; also what was tried.
    fn search(choice: UartChoice, spcr: Option<&[u8]>, present: &[u16]) -> (Option<String>, Vec<u16>) {
        let tried = RefCell::new(Vec::new());
        let reach = |place| {
            let UartPlace::Port(port) = place else { return None };
            tried.borrow_mut().push(port);
            let mut uart = Simulated::new();
            uart.set_fault((!present.contains(&port)).then_some(Fault::FloatingBus));
            Some(Owned(uart))
        };
        let sources = Sources { spcr, dbg2: None };
        let found = find(choice, Baud(115_200), sources, || alloc::vec![0xc000], reach);
        (found.map(|found| found.describe()), tried.into_inner())
    }

    #[test]
    fn the_firmware_is_asked_first_then_pci_then_custom() {
        let table = spcr(0xe8);
        let all = [0x3e8, 0xc000, 0x3f8, 0x2e8];
        let (found, tried) = search(UartChoice::Auto, Some(&table), &all);
        assert_eq!(found.as_deref(), Some("port 0x3e8 (SPCR), 115200 baud"));
        assert_eq!(tried, [0x3e8]);
        let (found, tried) = search(UartChoice::Auto, Some(&table), &all[1..]);
        assert_eq!(found.as_deref(), Some("port 0xc000 (PCI), 115200 baud"));
        assert_eq!(tried, [0x3e8, 0xc000]);
        let (found, tried) = search(UartChoice::Auto, None, &all[3..]);
        assert_eq!(found.as_deref(), Some("port 0x2e8 (legacy), 115200 baud"));
        assert_eq!(tried, [0xc000, 0x3f8, 0x2f8, 0x3e8, 0x2e8]);
    }

    #[test]
    fn a_place_is_tried_once() {
        let (found, tried) = search(UartChoice::Auto, Some(&spcr(0xf8)), &[]);
        assert_eq!(found, None);
        assert_eq!(tried, [0x3f8, 0xc000, 0x2f8, 0x3e8, 0x2e8]);
    }

    #[test]
    fn the_plan_forces_a_port_or_none() {
        let (found, tried) = search(UartChoice::Port(0x2f8), Some(&spcr(0xf8)), &[0x3f8, 0x2f8]);
        assert_eq!(found.as_deref(), Some("port 0x2f8 (plan), 115200 baud"));
        assert_eq!(tried, [0x2f8]);
        assert_eq!(search(UartChoice::Port(0x2f8), None, &[0x3f8]).0, None);
        let (found, tried) = search(UartChoice::None, None, &[0x3f8]);
        assert_eq!((found, tried.len()), (None, 0));
    }
}
