//! Which processor this is, as far as its counters depend on it.

use raw_cpuid::CpuIdReader;

/// Whose manual describes the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Intel.
    Intel,
    /// AMD.
    Amd,
    /// Someone else, whose counters this does not know.
    Other,
}

/// A processor by its vendor, display family and display model (CPUID leaves 0 and 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// Whose it is.
    pub vendor: Vendor,
    /// Display family.
    pub family: u32,
    /// Display model.
    pub model: u32,
}

/// A group of models with the same events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Family 17h from model 30h on.
    Zen2,
    /// Family 19h.
    Zen3,
    /// Family 19h.
    Zen4,
    /// Family 1Ah.
    Zen5,
    /// Skylake, client and server, and what followed with the same core up to Comet Lake.
    Skylake,
    /// Ice Lake, client and server, Tiger Lake, Rocket Lake.
    IceLake,
    /// Sapphire Rapids and Emerald Rapids.
    SapphireRapids,
}

impl Processor {
    /// Asks CPUID.
    #[must_use]
    pub fn read<R: CpuIdReader>(reader: &R) -> Self {
        let vendor = reader.cpuid1(0);
        let vendor = match [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() {
            b"GenuineIntel" => Vendor::Intel,
            b"AuthenticAMD" => Vendor::Amd,
            _ => Vendor::Other,
        };
        // Intel SDM volume 2A, CPUID, figure 3-6; AMD APM volume 3, Fn0000_0001_EAX.
        let signature = reader.cpuid1(1).eax;
        let base = signature >> 8 & 0xf;
        let family = if base == 0xf { base + (signature >> 20 & 0xff) } else { base };
        let extended = if base == 6 || base == 0xf { signature >> 12 & 0xf0 } else { 0 };
        Self { vendor, family, model: extended | signature >> 4 & 0xf }
    }

    /// The group that it belongs to; `None` if its events are not known here.
    ///
    /// Intel: SDM volume 4, table 2-1. AMD: the revision guides and manuals of the families; Linux tells them apart by the
    /// same ranges (`arch/x86/kernel/cpu/amd.c`).
    #[must_use]
    pub const fn model(&self) -> Option<Model> {
        match (self.vendor, self.family, self.model) {
            (Vendor::Intel, 6, 0x4e | 0x55 | 0x5e | 0x8e | 0x9e | 0xa5 | 0xa6) => Some(Model::Skylake),
            (Vendor::Intel, 6, 0x6a | 0x6c | 0x7d | 0x7e | 0x8c | 0x8d | 0xa7) => Some(Model::IceLake),
            (Vendor::Intel, 6, 0x8f | 0xcf) => Some(Model::SapphireRapids),
            (Vendor::Amd, 0x17, 0x30..=0x4f | 0x60..=0x7f | 0x90..=0x91 | 0xa0..=0xaf) => Some(Model::Zen2),
            (Vendor::Amd, 0x19, 0x00..=0x0f | 0x20..=0x5f) => Some(Model::Zen3),
            (Vendor::Amd, 0x19, 0x10..=0x1f | 0x60..=0xaf) => Some(Model::Zen4),
            (Vendor::Amd, 0x1a, 0x00..=0x2f | 0x40..=0x4f | 0x60..=0x7f) => Some(Model::Zen5),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pmu::scripted::{AMD, INTEL, cpuid};

    #[test]
    fn family_and_model_are_put_together_from_their_parts() {
        let read = |vendor, signature| {
            let processor = Processor::read(&cpuid(vendor, signature, &[]));
            (processor.vendor, processor.family, processor.model, processor.model())
        };
        assert_eq!(read(INTEL, 0x0005_0654), (Vendor::Intel, 6, 0x55, Some(Model::Skylake)));
        assert_eq!(read(INTEL, 0x0006_06a6), (Vendor::Intel, 6, 0x6a, Some(Model::IceLake)));
        assert_eq!(read(INTEL, 0x0008_06f8), (Vendor::Intel, 6, 0x8f, Some(Model::SapphireRapids)));
        assert_eq!(read(AMD, 0x0083_0f10), (Vendor::Amd, 0x17, 0x31, Some(Model::Zen2)));
        assert_eq!(read(AMD, 0x00a0_0f11), (Vendor::Amd, 0x19, 0x01, Some(Model::Zen3)));
        assert_eq!(read(AMD, 0x00a1_0f11), (Vendor::Amd, 0x19, 0x11, Some(Model::Zen4)));
        assert_eq!(read(AMD, 0x00b0_0f21), (Vendor::Amd, 0x1a, 0x02, Some(Model::Zen5)));
    }

    #[test]
    fn what_is_not_in_the_list_has_no_group() {
        let read = |vendor, signature| Processor::read(&cpuid(vendor, signature, &[])).model();
        assert_eq!(read(AMD, 0x0080_0f12), None, "the first Zen");
        assert_eq!(read(INTEL, 0x0009_0672), None, "two kinds of core");
        assert_eq!(read(*b"HygonGenuine", 0x0090_0f02), None);
        assert_eq!(read(*b"Someone Else", 0x0005_0654), None);
    }
}
