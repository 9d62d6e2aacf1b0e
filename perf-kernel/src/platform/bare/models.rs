//! Which driver a function gets.

use crate::devices::pci::Function;
use crate::devices::{e1000, virtio};

/// What drives a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    /// A disk.
    Disk(DiskDriver),
    /// A network card.
    Network(NetworkDriver),
    /// A virtio source of random bytes.
    Entropy,
}

/// What drives a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiskDriver {
    /// NVM Express.
    Nvme,
    /// Virtio.
    Virtio,
}

/// What drives a network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkDriver {
    /// Intel's.
    E1000(e1000::Model),
    /// Virtio.
    Virtio,
}

impl Driver {
    /// The driver of `function`; `None` if there is none.
    pub(super) fn of(function: &Function) -> Option<Self> {
        const INTEL: u16 = 0x8086;
        // Mass storage, NVM, by the interface of NVM Express (PCI Code and ID Assignment, class 01/08/02).
        if function.class == [1, 8] && function.interface == 2 {
            return Some(Self::Disk(DiskDriver::Nvme));
        }
        let intel = (function.vendor == INTEL).then(|| e1000::Model::of(function.device)).flatten();
        if let Some(model) = intel {
            return Some(Self::Network(NetworkDriver::E1000(model)));
        }
        virtio::Kind::of(function).map(|kind| match kind {
            virtio::Kind::Block => Self::Disk(DiskDriver::Virtio),
            virtio::Kind::Network => Self::Network(NetworkDriver::Virtio),
            virtio::Kind::Entropy => Self::Entropy,
        })
    }

    /// Its name for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Disk(DiskDriver::Nvme) => "nvme",
            Self::Disk(DiskDriver::Virtio) => "virtio-blk",
            Self::Network(NetworkDriver::E1000(_)) => "e1000",
            Self::Network(NetworkDriver::Virtio) => "virtio-net",
            Self::Entropy => "virtio-rng",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::pci::Address;

    fn name(vendor: u16, device: u16, class: [u8; 2], interface: u8) -> Option<&'static str> {
        let address = Address { bus: 0, device: 3, function: 0 };
        let function = Function { address, vendor, device, class, interface, header: 0, has_others: false };
        Driver::of(&function).map(Driver::name)
    }

    #[test]
    fn devices_of_virtio_are_known_with_and_without_the_older_registers() {
        for (device, expected) in [
            (0x1000, "virtio-net"),
            (0x1041, "virtio-net"),
            (0x1001, "virtio-blk"),
            (0x1042, "virtio-blk"),
            (0x1005, "virtio-rng"),
            (0x1044, "virtio-rng"),
        ] {
            assert_eq!(name(0x1af4, device, [0, 0], 0), Some(expected));
        }
        assert_eq!(name(0x1af4, 0x1043, [7, 0x80], 0), None, "a console");
    }

    #[test]
    fn disks_of_any_maker_are_known_by_their_class_and_cards_by_their_number() {
        assert_eq!(name(0x144d, 0xa808, [1, 8], 2), Some("nvme"));
        assert_eq!(name(0x144d, 0xa808, [1, 8], 1), None);
        assert_eq!(name(0x8086, 0x10d3, [2, 0], 0), Some("e1000"));
        assert_eq!(name(0x1b36, 0x10d3, [2, 0], 0), None, "another maker's number");
    }
}
