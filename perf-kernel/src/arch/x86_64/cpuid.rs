//! The processor's description of itself: CPUID leaves as the project needs them (Intel SDM volume 2A, CPUID; AMD APM
//! volume 3, appendix E).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use raw_cpuid::{CacheType, CpuId, CpuIdReader, CpuIdReaderNative};

use crate::units::{Bytes, Hertz};
use crate::wire::{CacheLevel, Cpu};

/// What CPUID says about the counter's frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockLeaves {
    /// Leaf 0x15: crystal frequency times ratio; `None` unless all three numbers are given.
    pub crystal: Option<Hertz>,
    /// Leaf 0x4000_0010: what a hypervisor says, in steps of 1 kHz.
    pub hypervisor: Option<Hertz>,
    /// Leaf 0x16: the base frequency of the processor in steps of 1 MHz, which the counter's is near.
    pub base: Option<Hertz>,
    /// Leaf 0x8000_0007, EDX bit 8: the counter runs at one rate whatever the power state.
    pub is_invariant: bool,
}

/// Whether RDTSCP can be executed (leaf 0x8000_0001, EDX bit 27).
#[must_use]
pub fn has_rdtscp() -> bool {
    native().get_extended_processor_and_feature_identifiers().is_some_and(|leaf| leaf.has_rdtscp())
}

/// The processor as it stands in the machine's fingerprint. CPUID does not tell the microcode's revision.
#[must_use]
pub fn describe(microcode: Option<u32>) -> Cpu {
    describe_with(&native(), microcode)
}

/// The vendor string of the hypervisor (leaf 0x4000_0000); `None` on bare metal.
#[must_use]
pub fn hypervisor_vendor() -> Option<String> {
    hypervisor_vendor_with(&CpuIdReaderNative)
}

/// What CPUID says about the counter's frequency.
#[must_use]
pub fn clock_leaves() -> ClockLeaves {
    clock_leaves_with(&native())
}

fn native() -> CpuId<CpuIdReaderNative> {
    CpuId::with_cpuid_reader(CpuIdReaderNative)
}

fn describe_with<R: CpuIdReader>(cpuid: &CpuId<R>, microcode: Option<u32>) -> Cpu {
    let model = cpuid.get_feature_info();
    let number = |pick: fn(&raw_cpuid::FeatureInfo) -> u8| model.as_ref().map_or(0, |info| pick(info).into());
    Cpu {
        vendor: cpuid.get_vendor_info().map_or_else(String::new, |vendor| printable(vendor.as_str())),
        brand: cpuid.get_processor_brand_string().map_or_else(String::new, |brand| printable(brand.as_str())),
        family: number(raw_cpuid::FeatureInfo::family_id),
        model: number(raw_cpuid::FeatureInfo::model_id),
        stepping: number(raw_cpuid::FeatureInfo::stepping_id),
        microcode,
        features: features(cpuid),
        caches: caches(cpuid),
    }
}

/// The features that choose code paths in the benched libraries or change what a bench costs, sorted.
fn features<R: CpuIdReader>(cpuid: &CpuId<R>) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    let mut note = |name, has: bool| {
        if has {
            names.push(name);
        }
    };
    if let Some(leaf) = cpuid.get_feature_info() {
        note("aes", leaf.has_aesni());
        note("avx", leaf.has_avx());
        note("cx16", leaf.has_cmpxchg16b());
        note("fma", leaf.has_fma());
        note("movbe", leaf.has_movbe());
        note("pcid", leaf.has_pcid());
        note("pclmulqdq", leaf.has_pclmulqdq());
        note("popcnt", leaf.has_popcnt());
        note("rdrand", leaf.has_rdrand());
        note("sse2", leaf.has_sse2());
        note("sse3", leaf.has_sse3());
        note("sse4.1", leaf.has_sse41());
        note("sse4.2", leaf.has_sse42());
        note("ssse3", leaf.has_ssse3());
        note("xsave", leaf.has_xsave());
    }
    if let Some(leaf) = cpuid.get_extended_feature_info() {
        note("adx", leaf.has_adx());
        note("avx2", leaf.has_avx2());
        note("avx512bw", leaf.has_avx512bw());
        note("avx512f", leaf.has_avx512f());
        note("avx512ifma", leaf.has_avx512_ifma());
        note("avx512vl", leaf.has_avx512vl());
        note("bmi1", leaf.has_bmi1());
        note("bmi2", leaf.has_bmi2());
        note("clflushopt", leaf.has_clflushopt());
        note("erms", leaf.has_rep_movsb_stosb());
        note("gfni", leaf.has_gfni());
        note("rdseed", leaf.has_rdseed());
        note("sha", leaf.has_sha());
        note("smap", leaf.has_smap());
        note("vaes", leaf.has_vaes());
        note("vpclmulqdq", leaf.has_vpclmulqdq());
    }
    if let Some(leaf) = cpuid.get_extended_processor_and_feature_identifiers() {
        note("1gib-pages", leaf.has_1gib_pages());
        note("lzcnt", leaf.has_lzcnt());
        note("rdtscp", leaf.has_rdtscp());
    }
    note("invtsc", cpuid.get_advanced_power_mgmt_info().is_some_and(|leaf| leaf.has_invariant_tsc()));
    names.sort_unstable();
    names.into_iter().map(ToString::to_string).collect()
}

/// Data and unified caches, from leaf 4 (Intel) or 0x8000_001D (AMD), else from the older AMD leaves.
fn caches<R: CpuIdReader>(cpuid: &CpuId<R>) -> Vec<CacheLevel> {
    let described = cpuid.get_cache_parameters().into_iter().flatten();
    let data = described.filter(|cache| matches!(cache.cache_type(), CacheType::Data | CacheType::Unified));
    let mut levels: Vec<CacheLevel> = data
        .map(|cache| {
            let line = widen(cache.coherency_line_size());
            let lines =
                widen(cache.associativity()) * widen(cache.physical_line_partitions()) * widen(cache.sets());
            CacheLevel { level: cache.level().into(), size: Bytes(line * lines), line: Bytes(line) }
        })
        .collect();
    if levels.is_empty() {
        levels = caches_of_old_leaves(cpuid);
    }
    levels.sort_by_key(|cache| cache.level);
    levels
}

/// Leaves 0x8000_0005 and 0x8000_0006 (AMD APM volume 3, E.4.4 and E.4.5).
fn caches_of_old_leaves<R: CpuIdReader>(cpuid: &CpuId<R>) -> Vec<CacheLevel> {
    let kibibytes = |size: u64| Bytes(size * 1024);
    let mut levels = Vec::new();
    if let Some(leaf) = cpuid.get_l1_cache_and_tlb_info() {
        let (size, line) = (leaf.dcache_size().into(), leaf.dcache_line_size().into());
        levels.push(CacheLevel { level: 1, size: kibibytes(size), line: Bytes(line) });
    }
    if let Some(leaf) = cpuid.get_l2_l3_cache_and_tlb_info() {
        let (size, line) = (leaf.l2cache_size().into(), leaf.l2cache_line_size().into());
        levels.push(CacheLevel { level: 2, size: kibibytes(size), line: Bytes(line) });
        // L3 comes in units of 512 KiB.
        let (size, line) = (u64::from(leaf.l3cache_size()) * 512, leaf.l3cache_line_size().into());
        levels.push(CacheLevel { level: 3, size: kibibytes(size), line: Bytes(line) });
    }
    levels.retain(|cache| cache.size.0 > 0);
    levels
}

fn hypervisor_vendor_with<R: CpuIdReader>(reader: &R) -> Option<String> {
    const HYPERVISOR_BIT: u32 = 1 << 31;
    const VENDOR_LEAF: u32 = 0x4000_0000;
    if reader.cpuid1(1).ecx & HYPERVISOR_BIT == 0 {
        return None;
    }
    let leaf = reader.cpuid1(VENDOR_LEAF);
    let bytes: Vec<u8> = [leaf.ebx, leaf.ecx, leaf.edx].into_iter().flat_map(u32::to_le_bytes).collect();
    let vendor = printable(&String::from_utf8_lossy(&bytes));
    // The bit is set: there is a hypervisor, even if it keeps its name to itself.
    Some(if vendor.is_empty() { "unnamed".to_string() } else { vendor })
}

fn clock_leaves_with<R: CpuIdReader>(cpuid: &CpuId<R>) -> ClockLeaves {
    let known = |hertz: u64| (hertz > 0).then_some(Hertz(hertz));
    let hypervisor = cpuid.get_hypervisor_info().and_then(|leaf| leaf.tsc_frequency());
    let base = cpuid.get_processor_frequency_info().map(|leaf| leaf.processor_base_frequency());
    ClockLeaves {
        crystal: cpuid.get_tsc_info().and_then(|leaf| leaf.tsc_frequency()).and_then(known),
        hypervisor: hypervisor.and_then(|kilohertz| known(u64::from(kilohertz) * 1_000)),
        base: base.and_then(|megahertz| known(u64::from(megahertz) * 1_000_000)),
        is_invariant: cpuid.get_advanced_power_mgmt_info().is_some_and(|leaf| leaf.has_invariant_tsc()),
    }
}

/// `text` without the padding and control characters that firmware and hypervisors leave in it.
fn printable(text: &str) -> String {
    let kept: String = text.chars().filter(|character| !character.is_control()).collect();
    kept.trim().to_string()
}

fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use raw_cpuid::CpuIdResult;

    const ZERO: CpuIdResult = CpuIdResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };

    fn word(text: &[u8; 4]) -> u32 {
        u32::from_le_bytes(*text)
    }

    /// An AMD guest under QEMU's emulation without the leaf of cache topology.
    fn amd_guest(leaf: u32, subleaf: u32) -> CpuIdResult {
        match (leaf, subleaf) {
            (0, _) => CpuIdResult { eax: 0x16, ebx: word(b"Auth"), edx: word(b"enti"), ecx: word(b"cAMD") },
            // Family 15 + 4, model 0x11, stepping 2; the hypervisor bit and AES.
            (1, _) => CpuIdResult { eax: 0x0041_0F12, ebx: 0, ecx: 1 << 31 | 1 << 25, edx: 1 << 26 },
            (0x4000_0000, _) => {
                CpuIdResult { eax: 0x4000_0010, ebx: word(b"TCGT"), ecx: word(b"CGTC"), edx: word(b"GTCG") }
            }
            (0x4000_0010, _) => CpuIdResult { eax: 2_600_000, ..ZERO },
            (0x15, _) => CpuIdResult { eax: 2, ebx: 200, ecx: 24_000_000, edx: 0 },
            (0x8000_0000, _) => CpuIdResult { eax: 0x8000_0008, ..ZERO },
            (0x8000_0001, _) => CpuIdResult { edx: 1 << 27, ..ZERO },
            (0x8000_0005, _) => CpuIdResult { ecx: 64 << 24 | 64, ..ZERO },
            (0x8000_0006, _) => CpuIdResult { ecx: 512 << 16 | 64, ..ZERO },
            (0x8000_0007, _) => CpuIdResult { edx: 1 << 8, ..ZERO },
            _ => ZERO,
        }
    }

    #[test]
    fn the_fingerprint_names_the_features_in_order() {
        let cpu = describe_with(&CpuId::with_cpuid_reader(amd_guest), Some(7));
        assert_eq!((cpu.vendor.as_str(), cpu.family, cpu.model, cpu.stepping), ("AuthenticAMD", 19, 0x11, 2));
        assert_eq!(cpu.features, ["aes", "invtsc", "rdtscp", "sse2"]);
        assert_eq!(cpu.microcode, Some(7));
    }

    #[test]
    fn old_leaves_describe_the_caches_where_new_ones_are_missing() {
        let cpu = describe_with(&CpuId::with_cpuid_reader(amd_guest), None);
        let sizes: Vec<(u32, u64)> = cpu.caches.iter().map(|cache| (cache.level, cache.size.0)).collect();
        assert_eq!(sizes, [(1, 64 * 1024), (2, 512 * 1024)]);
    }

    #[test]
    fn the_hypervisor_is_named_only_where_its_bit_is_set() {
        assert_eq!(hypervisor_vendor_with(&amd_guest).as_deref(), Some("TCGTCGTCGTCG"));
        let bare = |leaf: u32, subleaf: u32| if leaf == 1 { ZERO } else { amd_guest(leaf, subleaf) };
        assert_eq!(hypervisor_vendor_with(&bare), None);
    }

    #[test]
    fn the_clock_leaves_become_hertz() {
        let leaves = clock_leaves_with(&CpuId::with_cpuid_reader(amd_guest));
        assert_eq!(leaves.crystal, Some(Hertz(2_400_000_000)));
        assert_eq!(leaves.hypervisor, Some(Hertz(2_600_000_000)));
        assert_eq!(leaves.base, None);
        assert!(leaves.is_invariant);
    }

    #[test]
    fn this_processor_has_a_first_level_cache() {
        let cpu = describe(None);
        assert!(cpu.features.iter().any(|name| name == "sse2"));
        assert_eq!(cpu.caches.first().map(|cache| cache.level), Some(1));
    }
}
