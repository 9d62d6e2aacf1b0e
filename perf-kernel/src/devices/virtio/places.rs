//! Where a device has its registers.

use crate::devices::pci::{Capability, Configuration, Function, capabilities};

/// What a virtio device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A disk.
    Block,
    /// A network card.
    Network,
    /// A source of random bytes.
    Entropy,
}

impl Kind {
    /// What `function` is; `None` if it is no virtio device that is known here (sections 4.1.2.1 and 5).
    pub(crate) fn of(function: &Function) -> Option<Self> {
        const MAKER: u16 = 0x1af4;
        match (function.vendor, function.device) {
            // The second of each is of devices that have the older registers besides.
            (MAKER, 0x1041 | 0x1000) => Some(Self::Network),
            (MAKER, 0x1042 | 0x1001) => Some(Self::Block),
            (MAKER, 0x1044 | 0x1005) => Some(Self::Entropy),
            _ => None,
        }
    }

    /// Whether such devices have registers that others do not have.
    const fn has_registers(self) -> bool {
        !matches!(self, Self::Entropy)
    }
}

/// A block of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The base address that it counts from.
    pub(crate) bar: u8,
    /// Its distance from there in bytes.
    pub(crate) offset: u32,
    /// Its length in bytes.
    pub(crate) bytes: u32,
}

/// Where the registers of a device are (section 4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// What all devices have.
    pub(crate) common: Place,
    /// Where queues are told that there is work.
    pub(crate) notify: Place,
    /// The distance in bytes of two queues there, times a number that each queue has.
    pub(crate) notify_multiplier: u32,
    /// What devices of this kind have; those that have nothing may leave it out.
    pub(crate) device: Option<Place>,
}

impl Places {
    /// The base addresses that the registers count from.
    pub(crate) fn bars(&self) -> impl Iterator<Item = u8> {
        [Some(self.common), Some(self.notify), self.device].into_iter().flatten().map(|place| place.bar)
    }
}

/// The places that `function` names first; `None` if one is missing, as for a device with the older registers alone.
pub(crate) fn places(space: &mut (impl Configuration + ?Sized), function: &Function) -> Option<Places> {
    const VENDOR: u8 = 0x09;
    const COMMON: u8 = 1;
    const NOTIFY: u8 = 2;
    const DEVICE: u8 = 4;
    /// Base addresses beyond are reserved, and such entries to be passed over.
    const BAR_MAX: u8 = 5;
    let (mut common, mut notify, mut device) = (None, None, None);
    for capability in capabilities(space, function) {
        let Capability::Other { offset, id: VENDOR } = capability else { continue };
        // Five words at most, which must not lead out of the function's registers.
        if offset > 0xec {
            continue;
        }
        let mut word = |number: u8| space.read(function.address, offset + 4 * number);
        let [_, _, length, kind] = word(0).to_le_bytes();
        let [bar, ..] = word(1).to_le_bytes();
        let length_min = if kind == NOTIFY { 20 } else { 16 };
        if bar > BAR_MAX || length < length_min {
            continue;
        }
        let place = Place { bar, offset: word(2), bytes: word(3) };
        match kind {
            COMMON => common = common.or(Some(place)),
            NOTIFY => notify = notify.or(Some((place, word(4)))),
            DEVICE => device = device.or(Some(place)),
            _ => {}
        }
    }
    let (notify, notify_multiplier) = notify?;
    let can_do_without = Kind::of(function).is_some_and(|kind| !kind.has_registers());
    let is_complete = device.is_some() || can_do_without;
    is_complete.then_some(Places { common: common?, notify, notify_multiplier, device })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::devices::pci::{Address, ScriptedBus, scan};

    const PLACE: Address = Address { bus: 0, device: 4, function: 0 };

    fn found(entries: &[[u32; 5]]) -> Option<Places> {
        found_in(0x0002_1b36, entries)
    }

    fn found_in(device: u32, entries: &[[u32; 5]]) -> Option<Places> {
        let mut bus = ScriptedBus::default();
        bus.add(PLACE, 0x0100_0000, 0);
        bus.set(PLACE, 0, device);
        bus.set(PLACE, 0x04, 1 << 20);
        bus.set(PLACE, 0x34, 0x40);
        for (entry, at) in entries.iter().zip((0x40_u8..).step_by(20)) {
            for (word, at) in entry.iter().zip((at..).step_by(4)) {
                bus.set(PLACE, at, *word);
            }
        }
        let functions = scan(&mut bus);
        places(&mut bus, &functions[0])
    }

    const COMMON: [u32; 5] = [0x0110_5409, 4, 0, 56, 0];
    const NOTIFY: [u32; 5] = [0x0214_6809, 4, 0x3000, 0x1000, 4];
    const DEVICE: [u32; 5] = [0x0410_7c09, 4, 0x2000, 60, 0];

    #[test]
    fn registers_are_found_in_the_list() {
        let places = found(&[COMMON, NOTIFY, DEVICE, [0x0110_0009, 1, 9, 9, 0]]).expect("all are there");
        let place = |offset, bytes| Place { bar: 4, offset, bytes };
        let expected = Places {
            common: place(0, 56),
            notify: place(0x3000, 0x1000),
            notify_multiplier: 4,
            device: Some(place(0x2000, 60)),
        };
        assert_eq!(places, expected, "the first of two counts");
    }

    #[test]
    fn a_device_without_all_of_them_is_none() {
        assert_eq!(found(&[COMMON, NOTIFY]), None);
        assert_eq!(found(&[COMMON, [0x0210_6809, 4, 0, 0, 0], DEVICE]), None, "there is no multiplier");
        assert_eq!(found(&[COMMON, NOTIFY, [0x0410_7c09, 6, 0, 0, 0]]), None, "its base address is reserved");
    }

    #[test]
    fn a_source_of_random_bytes_needs_no_registers_of_its_own() {
        let places = found_in(0x1044_1af4, &[COMMON, NOTIFY]).expect("nothing is missing");
        assert_eq!(places.device, None);
        assert_eq!(places.bars().collect::<Vec<_>>(), [4, 4]);
        assert_eq!(found_in(0x1041_1af4, &[COMMON, NOTIFY]), None, "a card has an address there");
    }
}
