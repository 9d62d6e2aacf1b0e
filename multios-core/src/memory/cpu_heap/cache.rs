//! What one CPU has of a heap: its magazines, its spans, its counters, and what others send it.

use core::cell::Cell;
use core::ptr::NonNull;

use super::accounts::{TAGS, Tag};
use super::check::Checks;
use super::class::{CLASSES, Class};
use super::magazine::{Counter, Magazine, Magazines};
use super::remote::{FreeBlock, Inbox, Node};
use super::span::{SpanList, SpanRef};

/// Used by its owner alone, but for the inboxes, which all push to, and the counters, which all read. All zeros are an
/// empty cache whose magazines take nothing.
#[repr(C)]
pub(super) struct Cache<C: Checks> {
    magazines: Magazines,
    shelves: [Shelf<C>; CLASSES],
    /// Bytes asked for here less bytes freed here, which may be below zero.
    pub(super) live_bytes: Counter,
    /// What of `live_bytes` the heap's peak knows of.
    pub(super) folded_bytes: Cell<u64>,
    /// The last call for memory that was answered.
    pub(super) answered: Cell<u32>,
    pub(super) tags: [TagCounters; TAGS],
    inboxes: Inboxes,
}

/// Apart from what the owner writes all the time.
#[repr(C, align(64))]
struct Inboxes([Inbox<FreeBlock>; CLASSES]);

/// A cache's spans of one class.
pub(super) struct Shelf<C: Checks> {
    /// Those that may have free blocks.
    pub(super) open: SpanList<C>,
    /// Those that had none when last asked.
    pub(super) exhausted: SpanList<C>,
    /// Blocks from the inbox that are still to be used.
    pending: Cell<*mut FreeBlock>,
    /// How many spans there are.
    pub(super) spans: Counter,
}

/// What was allocated and freed under one tag.
pub(super) struct TagCounters {
    pub(super) live_bytes: Counter,
    pub(super) allocations: Counter,
    pub(super) frees: Counter,
}

impl<C: Checks> Cache<C> {
    /// Makes an empty cache of the memory at `place`.
    ///
    /// # Safety
    /// `place` is valid, aligned and nobody else's.
    pub(super) unsafe fn begin(place: NonNull<Self>) {
        // SAFETY: the caller has the place to itself; all zeros are an empty cache.
        unsafe { place.write_bytes(0, 1) };
        // SAFETY: the cache is there now.
        let cache = unsafe { place.as_ref() };
        Class::all().for_each(|class| cache.magazine(class).set_limit(class.magazine_blocks()));
    }

    #[inline]
    pub(super) fn magazine(&self, class: Class) -> Magazine<'_> {
        self.magazines.of(class)
    }

    #[inline]
    pub(super) fn shelf(&self, class: Class) -> &Shelf<C> {
        &self.shelves[class.index()]
    }

    #[inline]
    pub(super) fn inbox(&self, class: Class) -> &Inbox<FreeBlock> {
        &self.inboxes.0[class.index()]
    }

    #[inline]
    pub(super) fn note_taken(&self, class: Class, bytes: usize, tag: Option<Tag>) {
        self.magazine(class).taken().add(1);
        self.live_bytes.add(bytes as u64);
        if let Some(tag) = tag {
            self.note_tag(tag, bytes);
        }
    }

    #[inline]
    pub(super) fn note_given(&self, class: Class, bytes: usize, tag: Option<Tag>) {
        self.magazine(class).given().add(1);
        self.live_bytes.subtract(bytes as u64);
        if let Some(tag) = tag {
            self.note_end_of_tag(tag, bytes);
        }
    }

    #[inline]
    pub(super) fn note_tag(&self, tag: Tag, bytes: usize) {
        let counters = &self.tags[tag.index()];
        counters.live_bytes.add(bytes as u64);
        counters.allocations.add(1);
    }

    #[inline]
    pub(super) fn note_end_of_tag(&self, tag: Tag, bytes: usize) {
        let counters = &self.tags[tag.index()];
        counters.live_bytes.subtract(bytes as u64);
        counters.frees.add(1);
    }

    /// Moves up to `count` free blocks of its own into the empty magazine, and says whether there was any.
    pub(super) fn fill(&self, class: Class, count: usize) -> bool {
        let (magazine, shelf) = (self.magazine(class), self.shelf(class));
        let mut filled = 0;
        while filled < count
            && let Some(block) = self.take_sent(class)
        {
            keep(magazine, block);
            filled += 1;
        }
        // What others have sent is used before new memory is touched, but a refill need not look at both.
        let is_refilled = filled > 0;
        while !is_refilled
            && filled < count
            && let Some(span) = shelf.open.first()
        {
            if let Some(block) = span.take() {
                keep(magazine, block);
                filled += 1;
            } else {
                shelf.open.remove(span);
                span.is_exhausted.set(true);
                shelf.exhausted.push(span);
            }
        }
        filled > 0
    }

    /// A block that others have sent. It may be of a span that is another cache's by now.
    pub(super) fn take_sent(&self, class: Class) -> Option<NonNull<u8>> {
        let pending = &self.shelf(class).pending;
        if pending.get().is_null() {
            pending.set(self.inbox(class).take());
        }
        let block = NonNull::new(pending.get())?;
        // SAFETY: who takes from an inbox has the blocks to itself; they are linked.
        pending.set(unsafe { FreeBlock::next(block) });
        Some(block.cast())
    }

    /// Takes a block back into its span. Returns the span, no longer the cache's, if nothing of it is in use and there are
    /// other open ones.
    ///
    /// # Safety
    /// `block` is of `span`, which is the caller's, and not used any more.
    pub(super) unsafe fn put(
        &self,
        span: SpanRef<C>,
        class: Class,
        block: NonNull<u8>,
    ) -> Option<SpanRef<C>> {
        let shelf = self.shelf(class);
        // SAFETY: the caller gives the block up and owns the span.
        unsafe { span.put(block) };
        if span.is_exhausted.replace(false) {
            shelf.exhausted.remove(span);
            shelf.open.push(span);
        }
        let is_alone = shelf.open.first() == Some(span) && span.next.get().is_none();
        (span.is_unused() && !is_alone).then(|| shelf.give_up(span))
    }
}

/// A refill is never larger than the room in an empty magazine.
fn keep(magazine: Magazine<'_>, block: NonNull<u8>) {
    let is_kept = magazine.give(block);
    debug_assert!(is_kept, "a refill is larger than the magazine");
}

impl<C: Checks> Shelf<C> {
    /// Puts a span that may have free blocks on the shelf.
    pub(super) fn add(&self, span: SpanRef<C>) {
        span.is_exhausted.set(false);
        self.open.push(span);
        self.spans.add(1);
    }

    /// Takes an open span from the shelf.
    pub(super) fn give_up(&self, span: SpanRef<C>) -> SpanRef<C> {
        self.open.remove(span);
        self.spans.subtract(1);
        span
    }

    /// Takes every span from the shelf.
    pub(super) fn empty(&self, mut to: impl FnMut(SpanRef<C>)) {
        while let Some(span) = self.open.pop().or_else(|| self.exhausted.pop()) {
            self.spans.subtract(1);
            to(span);
        }
    }
}
