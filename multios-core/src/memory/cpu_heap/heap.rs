//! The heap: who serves which request, and the way that needs no lock.

use core::alloc::Layout;
use core::ptr::{self, NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use spin::Mutex;

use super::accounts::Tag;
use super::cache::Cache;
use super::check::{Checks, Unchecked};
use super::class::Class;
use super::large::Large;
use super::local::{CACHES, CurrentCpu, Entered};
use super::middle::{MIDDLE_BYTES_MAX, Middle};
use super::pages::Pages;
use super::peak::Peak;
use super::pool::Pool;

/// A heap for many CPUs.
///
/// Small blocks, up to 4 KiB, come from magazines of the running CPU, without a lock or a locked operation. Magazines are
/// filled from spans, 64 KiB of one size class each, that belong to the CPU. A block that is freed on another CPU goes into
/// that one's magazine, and from a full magazine home again, many at a time with one exchange. Middle blocks, up to 512 KiB,
/// come from `talc` behind a spin lock, larger ones straight from the source.
///
/// Where memory is short the CPU that asks gives up what it keeps, and asks the others to do so when they next fill or empty a
/// magazine; if that is not enough the request fails.
pub struct CpuHeap<P: Pages, L: CurrentCpu, C: Checks = Unchecked> {
    pub(super) pages: P,
    pub(super) cpus: L,
    pub(super) checks: C,
    /// Made when their CPU first needs them, and never taken away.
    caches: [AtomicPtr<Cache<C>>; CACHES],
    /// Of those that have no cache of their own, and of spans whose owner has gone. Used under the lock beside it.
    shared_cache: AtomicPtr<Cache<C>>,
    pub(super) shared: Mutex<()>,
    pub(super) pool: Pool<C>,
    pub(super) middle: Middle,
    pub(super) large: Large,
    pub(super) peak: Peak,
    /// Counts calls for memory.
    pub(super) calls: AtomicU32,
}

/// The number of the shared cache.
pub(super) const SHARED: usize = CACHES;

// SAFETY: a cache is used by one CPU at a time, as `CurrentCpu` promises, or under the lock, but for inboxes and counters,
// which are atomic; spans are used by the owner of the cache that they belong to.
unsafe impl<P: Pages, L: CurrentCpu, C: Checks> Sync for CpuHeap<P, L, C> {}

impl<P: Pages, L: CurrentCpu> CpuHeap<P, L> {
    /// A heap without checks that has taken nothing from `pages` yet.
    pub const fn new(pages: P, cpus: L) -> Self {
        Self::with_checks(pages, cpus, Unchecked)
    }
}

impl<P: Pages, L: CurrentCpu, C: Checks> CpuHeap<P, L, C> {
    /// A heap that has taken nothing from `pages` yet.
    pub const fn with_checks(pages: P, cpus: L, checks: C) -> Self {
        Self {
            pages,
            cpus,
            checks,
            caches: [const { AtomicPtr::new(null_mut()) }; CACHES],
            shared_cache: AtomicPtr::new(null_mut()),
            shared: Mutex::new(()),
            pool: Pool::new(),
            middle: Middle::new(),
            large: Large::new(),
            peak: Peak::new(),
            calls: AtomicU32::new(0),
        }
    }

    /// Where its memory comes from.
    pub const fn pages(&self) -> &P {
        &self.pages
    }

    /// Forgets every block and all memory. The source is to be made new before the next allocation.
    ///
    /// # Safety
    /// No block of the heap is used any more. Whoever is in one of the heap's functions, and may hold a lock, never goes on.
    pub unsafe fn restart(&self) {
        self.caches.iter().for_each(|place| place.store(null_mut(), Ordering::Relaxed));
        self.shared_cache.store(null_mut(), Ordering::Relaxed);
        // SAFETY: the caller says that a holder never goes on.
        unsafe { self.shared.force_unlock() };
        // SAFETY: as above.
        unsafe { self.pool.restart() };
        // SAFETY: as above, and no block is used any more.
        unsafe { self.middle.restart() };
        self.large.restart();
        self.peak.restart();
    }

    /// The start of a new block; `None` if there is no memory for it.
    ///
    /// # Safety
    /// `layout` has a size.
    #[inline]
    pub(super) unsafe fn allocate_for(&self, layout: Layout, tag: Option<Tag>) -> Option<NonNull<u8>> {
        if C::IS_ON {
            // SAFETY: the caller guarantees a size.
            return unsafe { self.allocate_checked(layout, tag) };
        }
        match Class::of(layout) {
            Some(class) => self.allocate_small(class, layout.size(), tag),
            // SAFETY: the caller guarantees a size.
            None => unsafe { self.allocate_long(layout, tag) },
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `start` and `layout` are a live block of this heap and `tag` that of its allocation. It is not used any more.
    #[inline]
    pub(super) unsafe fn deallocate_for(&self, start: NonNull<u8>, layout: Layout, tag: Option<Tag>) {
        if C::IS_ON {
            // SAFETY: the caller guarantees a live block, or else the checks find out.
            return unsafe { self.deallocate_checked(start, layout, tag) };
        }
        match Class::of(layout) {
            // SAFETY: the caller guarantees a live block, of this class as it was when it was allocated.
            Some(class) => unsafe { self.deallocate_small(start, class, layout.size(), tag) },
            // SAFETY: the caller guarantees a live block.
            None => unsafe { self.deallocate_long(start, layout, tag) },
        }
    }

    /// Changes a block's size where it lies, or else moves it; the common beginning keeps its contents. `None` leaves the
    /// block as it was.
    ///
    /// # Safety
    /// `start` and `old` are a live block of this heap and `tag` that of its allocation; so is what is returned, with layout
    /// `new`, in its place. `new` has a size and the alignment of `old`.
    pub(super) unsafe fn reallocate_for(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
        tag: Option<Tag>,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the caller guarantees a live block and a new size.
        if unsafe { self.resize_in_place(start, old, new, tag) } {
            return Some(start);
        }
        // SAFETY: the caller guarantees a size.
        let moved = unsafe { self.allocate_for(new, tag) }?;
        let kept = old.size().min(new.size());
        // SAFETY: both blocks are live, distinct and at least so long, and nobody else uses either.
        unsafe { ptr::copy_nonoverlapping(start.as_ptr(), moved.as_ptr(), kept) };
        // SAFETY: the caller gave up the old block, whose contents are copied.
        unsafe { self.deallocate_for(start, old, tag) };
        Some(moved)
    }

    /// Whether a block could be given another size where it lies.
    ///
    /// # Safety
    /// As for [`reallocate_for`](Self::reallocate_for).
    unsafe fn resize_in_place(&self, start: NonNull<u8>, old: Layout, new: Layout, tag: Option<Tag>) -> bool {
        let change = (new.size() as u64).wrapping_sub(old.size() as u64);
        let is_resized = match (Class::of(old), Class::of(new)) {
            // A block that moves whenever it can leaves its old place to the checks.
            _ if C::IS_ON => return false,
            (Some(before), Some(after)) if before == after => {
                self.with_cache(|cache, _| cache.live_bytes.add(change)).is_some()
            }
            (None, None) if is_middle(old) && is_middle(new) => {
                // SAFETY: the caller guarantees a live block, which is a middle one by its layout, and a size.
                unsafe { self.middle.resize(start, old, new.size()) }
            }
            (None, None) if !is_middle(old) && !is_middle(new) => self.large.resize(old.size(), new.size()),
            _ => false,
        };
        if is_resized {
            if Class::of(old).is_none() {
                self.peak.add(change);
            }
            if let Some(tag) = tag {
                self.with_cache(|cache, _| cache.tags[tag.index()].live_bytes.add(change));
            }
        }
        is_resized
    }

    #[inline]
    pub(super) fn allocate_small(&self, class: Class, bytes: usize, tag: Option<Tag>) -> Option<NonNull<u8>> {
        let entered = self.cpus.enter();
        if let Some(cache) = self.cache(entered.number())
            && let Some(block) = cache.magazine(class).take()
        {
            cache.note_taken(class, bytes, tag);
            return Some(block);
        }
        drop(entered);
        self.refill_and_take(class, bytes, tag)
    }

    /// # Safety
    /// `block` is a live small block of this heap and of `class`, and not used any more.
    #[inline]
    pub(super) unsafe fn deallocate_small(
        &self,
        block: NonNull<u8>,
        class: Class,
        bytes: usize,
        tag: Option<Tag>,
    ) {
        let entered = self.cpus.enter();
        if let Some(cache) = self.cache(entered.number())
            && cache.magazine(class).give(block)
        {
            cache.note_given(class, bytes, tag);
            return;
        }
        drop(entered);
        // SAFETY: the caller gives up a live block.
        unsafe { self.flush_and_give(block, class, bytes, tag) };
    }

    /// A block that is not small.
    ///
    /// # Safety
    /// `layout` has a size.
    #[cold]
    pub(super) unsafe fn allocate_long(&self, layout: Layout, tag: Option<Tag>) -> Option<NonNull<u8>> {
        let block = if is_middle(layout) {
            // SAFETY: the caller guarantees a size.
            let allocate = || unsafe { self.middle.allocate(layout, &self.pages) };
            allocate().or_else(|| (self.reclaim() > 0).then(allocate).flatten())
        } else {
            let allocate = || self.large.allocate(layout, &self.pages);
            allocate().or_else(|| (self.reclaim() > 0).then(allocate).flatten())
        }?;
        self.peak.add(layout.size() as u64);
        let note = |tag| self.with_cache(|cache, _| cache.note_tag(tag, layout.size()));
        if tag.is_none_or(|tag| note(tag).is_some()) {
            return Some(block);
        }
        // What cannot be accounted for is not given.
        // SAFETY: the block was allocated with this layout just now.
        unsafe { self.deallocate_long(block, layout, None) };
        None
    }

    /// # Safety
    /// It is a live block of this heap that is not small, and not used any more.
    #[cold]
    pub(super) unsafe fn deallocate_long(&self, block: NonNull<u8>, layout: Layout, tag: Option<Tag>) {
        if is_middle(layout) {
            // SAFETY: the caller guarantees a live block, which is a middle one by its layout.
            unsafe { self.middle.deallocate(block, layout) };
        } else {
            // SAFETY: the caller guarantees a live block, which is a large one by its layout.
            unsafe { self.large.deallocate(block, layout, &self.pages) };
        }
        self.peak.add((layout.size() as u64).wrapping_neg());
        if let Some(tag) = tag {
            self.with_cache(|cache, _| cache.note_end_of_tag(tag, layout.size()));
        }
    }

    /// The cache with this number, if it is one of a CPU and there.
    #[inline]
    pub(super) fn cache(&self, number: usize) -> Option<&Cache<C>> {
        let cache = NonNull::new(self.caches.get(number)?.load(Ordering::Acquire))?;
        // SAFETY: a cache is whole when it is stored, and never taken away.
        Some(unsafe { cache.as_ref() })
    }

    /// The place of a cache, be it the shared one.
    pub(super) fn place(&self, number: usize) -> &AtomicPtr<Cache<C>> {
        self.caches.get(number).unwrap_or(&self.shared_cache)
    }

    /// Every cache that there is.
    pub(super) fn caches(&self) -> impl Iterator<Item = &Cache<C>> {
        let places = self.caches.iter().chain([&self.shared_cache]);
        places.filter_map(|place| {
            let cache = NonNull::new(place.load(Ordering::Acquire))?;
            // SAFETY: a cache is whole when it is stored, and never taken away.
            Some(unsafe { cache.as_ref() })
        })
    }
}

/// Whether `talc` serves a block that is not small.
#[inline]
fn is_middle(layout: Layout) -> bool {
    layout.size() <= MIDDLE_BYTES_MAX && layout.align() <= MIDDLE_BYTES_MAX
}
