//! Who uses how much of a heap.

use super::check::Checks;
use super::class::Class;
use super::heap::CpuHeap;
use super::local::CurrentCpu;
use super::pages::Pages;
use super::span::SPAN_BYTES;

/// Number of tags.
pub const TAGS: usize = 16;

/// Names a subsystem in the accounts of a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u8);

impl Tag {
    /// The tag with this number; `None` if there are not so many.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < TAGS { Some(Self(number)) } else { None }
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        usize::from(self.0) % TAGS
    }
}

/// What a heap holds. Exact while nobody allocates or frees; else each figure is one of some moment during the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuHeapUsage {
    /// Bytes in live blocks, as they were asked for.
    pub live_bytes: u64,
    /// Most bytes in live blocks at once since [`CpuHeap::reset_peak`]. Looked at whenever a magazine is filled or emptied,
    /// a longer block comes or goes, and when it is asked for: the peak between two such moments may have been higher by
    /// what the magazines hold, up to 63 blocks or 64 KiB for each CPU and class.
    pub peak_bytes: u64,
    /// Live blocks.
    pub live_blocks: u64,
    /// Allocations since the heap began; a block that moves when it is resized counts again.
    pub allocations_total: u64,
    /// Blocks that were sent to the CPU whose span they are of.
    pub remote_frees_total: u64,
    /// How often a magazine was filled.
    pub refills_total: u64,
    /// Bytes of spans that have a class.
    pub span_bytes: u64,
    /// Bytes taken for the blocks that are longer than small ones and shorter than large ones.
    pub middle_arena_bytes: u64,
    /// Bytes of live large blocks, in whole units.
    pub large_bytes: u64,
}

/// What a heap holds of one size class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassUsage {
    /// Bytes of each block.
    pub block_bytes: u64,
    /// Live blocks.
    pub live_blocks: u64,
    /// Allocations since the heap began.
    pub allocations_total: u64,
    /// Blocks that were sent to the CPU whose span they are of.
    pub remote_frees_total: u64,
    /// How often a magazine was filled.
    pub refills_total: u64,
    /// Spans.
    pub spans: u64,
}

/// What a heap holds under one tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TagUsage {
    /// Bytes in live blocks, as they were asked for.
    pub live_bytes: u64,
    /// Live blocks.
    pub live_blocks: u64,
    /// Allocations since the heap began.
    pub allocations_total: u64,
}

impl<P: Pages, L: CurrentCpu, C: Checks> CpuHeap<P, L, C> {
    /// What the heap holds now.
    #[must_use]
    pub fn usage(&self) -> CpuHeapUsage {
        let middle = self.middle.usage();
        let (large_live, large_total, large_bytes, large_units) = self.large.usage();
        let live_small = self.caches().fold(0_u64, |sum, cache| sum.wrapping_add(cache.live_bytes.get()));
        let live_bytes = live_small.wrapping_add(middle.live_bytes).wrapping_add(large_bytes);
        let mut usage = CpuHeapUsage {
            live_bytes,
            peak_bytes: self.peak.notice(live_bytes),
            live_blocks: middle.live_blocks + large_live,
            allocations_total: middle.allocations_total + large_total,
            middle_arena_bytes: middle.arena_bytes,
            large_bytes: large_units,
            ..CpuHeapUsage::default()
        };
        for class in self.class_usages() {
            usage.live_blocks += class.live_blocks;
            usage.allocations_total += class.allocations_total;
            usage.remote_frees_total += class.remote_frees_total;
            usage.refills_total += class.refills_total;
            usage.span_bytes += class.spans * SPAN_BYTES as u64;
        }
        usage
    }

    /// What it holds of each size class, the smallest first.
    pub fn class_usages(&self) -> impl Iterator<Item = ClassUsage> {
        Class::all().map(|class| {
            let mut usage = ClassUsage { block_bytes: class.bytes() as u64, ..ClassUsage::default() };
            let mut given = 0_u64;
            for cache in self.caches() {
                let magazine = cache.magazine(class);
                usage.allocations_total += magazine.taken().get();
                given += magazine.given().get();
                usage.remote_frees_total += magazine.sent().get();
                usage.refills_total += magazine.refills().get();
                usage.spans = usage.spans.wrapping_add(cache.shelf(class).spans.get());
            }
            usage.live_blocks = usage.allocations_total.saturating_sub(given);
            usage
        })
    }

    /// What it holds under `tag`.
    #[must_use]
    pub fn tag_usage(&self, tag: Tag) -> TagUsage {
        let mut usage = TagUsage::default();
        let mut frees = 0;
        for cache in self.caches() {
            let counters = &cache.tags[tag.index()];
            usage.live_bytes = usage.live_bytes.wrapping_add(counters.live_bytes.get());
            usage.allocations_total += counters.allocations.get();
            frees += counters.frees.get();
        }
        usage.live_blocks = usage.allocations_total.saturating_sub(frees);
        usage
    }

    /// Sets the peak to what is live now.
    pub fn reset_peak(&self) {
        self.peak.reset();
        self.peak.notice(self.usage().live_bytes);
    }
}
