//! Spans: stretches of memory that hold blocks of one class.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::check::{Book, Checks};
use super::class::Class;
use super::pages::UNIT_BYTES;
use super::remote::{FreeBlock, Node};

/// Bytes of a span. It lies at a multiple of them, so that each of its blocks leads to it.
pub(super) const SPAN_BYTES: usize = UNIT_BYTES;
/// Places in a span at which a block may begin.
pub(super) const GRAINS: usize = SPAN_BYTES / 16;

/// What stands at the start of a span. Others than the owner read `owner` and the book only, and only while they have a
/// block of the span.
#[repr(C, align(64))]
pub(super) struct Span<C: Checks> {
    /// Number of the cache that its free blocks belong to.
    owner: AtomicUsize,
    class: Cell<Option<Class>>,
    /// Blocks that were free when they were last looked at and have been given back since.
    free: Cell<*mut FreeBlock>,
    /// Offset of the first block that was never given out.
    fresh: Cell<usize>,
    /// Blocks that are neither in `free` nor fresh.
    used: Cell<usize>,
    pub(super) next: Cell<Option<SpanRef<C>>>,
    pub(super) previous: Cell<Option<SpanRef<C>>>,
    /// Whether it stands in its shelf's list of spans without free blocks.
    pub(super) is_exhausted: Cell<bool>,
    book: C::Book,
}

/// A span that is there as long as it has blocks in use or stands in a list.
pub(super) struct SpanRef<C: Checks> {
    start: NonNull<u8>,
    checks: PhantomData<*const C>,
}

impl<C: Checks> Clone for SpanRef<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Checks> Copy for SpanRef<C> {}

impl<C: Checks> PartialEq for SpanRef<C> {
    fn eq(&self, other: &Self) -> bool {
        self.start == other.start
    }
}

impl<C: Checks> Deref for SpanRef<C> {
    type Target = Span<C>;

    #[inline]
    fn deref(&self) -> &Span<C> {
        // SAFETY: a reference is only made where a span begins, and used while the span is there; the span is shared,
        // and who may touch which field is said at the fields.
        unsafe { self.start.cast().as_ref() }
    }
}

impl<C: Checks> SpanRef<C> {
    /// Makes a span without blocks of the memory at `start`.
    ///
    /// # Safety
    /// `start` begins [`SPAN_BYTES`] bytes at a multiple of them, valid and nobody else's.
    pub(super) unsafe fn begin(start: NonNull<u8>) -> Self {
        // SAFETY: the header is shorter than a span, and the memory is the caller's to give. All zeros are a valid header:
        // no class, no links, an empty book.
        unsafe { start.cast::<Span<C>>().write_bytes(0, 1) };
        Self { start, checks: PhantomData }
    }

    /// The span of a block.
    ///
    /// # Safety
    /// `block` is a block of a span, and in use.
    #[inline]
    pub(super) unsafe fn of(block: NonNull<u8>) -> Self {
        let offset = block.addr().get() % SPAN_BYTES;
        // SAFETY: a span lies at a multiple of its size, and begins at most so far before the block.
        let start = unsafe { block.sub(offset) };
        Self { start, checks: PhantomData }
    }

    /// Its memory.
    pub(super) fn start(self) -> NonNull<u8> {
        self.start
    }

    /// Where its first block of `class` begins.
    fn first(class: Class) -> usize {
        size_of::<Span<C>>().next_multiple_of(class.align())
    }

    /// Cuts the span into blocks of `class`. None of the blocks it had before is in use.
    pub(super) fn cut(self, class: Class, owner: usize) {
        // What was learnt of other blocks is over.
        // SAFETY: no block is in use, so nobody else looks at the header.
        unsafe { self.start.cast::<Span<C>>().write_bytes(0, 1) };
        self.class.set(Some(class));
        self.fresh.set(Self::first(class));
        self.set_owner(owner);
    }

    /// A free block: one that was given back if there is one.
    #[inline]
    pub(super) fn take(self) -> Option<NonNull<u8>> {
        let block = match NonNull::new(self.free.get()) {
            Some(block) => {
                // SAFETY: the owner has the free blocks to itself; they are linked.
                self.free.set(unsafe { FreeBlock::next(block) });
                block.cast()
            }
            None => self.take_fresh()?,
        };
        self.used.set(self.used.get() + 1);
        Some(block)
    }

    fn take_fresh(self) -> Option<NonNull<u8>> {
        let (fresh, bytes) = (self.fresh.get(), self.class.get()?.bytes());
        if fresh + bytes > SPAN_BYTES {
            return None;
        }
        self.fresh.set(fresh + bytes);
        // SAFETY: the block ends within the span.
        Some(unsafe { self.start.add(fresh) })
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// The block is one of this span, and nobody uses it any more. The caller owns the span.
    #[inline]
    pub(super) unsafe fn put(self, block: NonNull<u8>) {
        let block = block.cast::<FreeBlock>();
        // SAFETY: the caller gives the block up.
        unsafe { FreeBlock::set_next(block, self.free.get()) };
        self.free.set(block.as_ptr());
        self.used.set(self.used.get() - 1);
    }

    /// The place in the book of a block that begins at `block`; `None` if none of `class` begins there.
    pub(super) fn grain(self, block: NonNull<u8>, class: Class) -> Option<usize> {
        let offset = block.addr().get().checked_sub(self.start.addr().get())?;
        let place = offset.checked_sub(Self::first(class))?;
        let is_block = self.class.get() == Some(class) && place.is_multiple_of(class.bytes());
        (is_block && offset + class.bytes() <= SPAN_BYTES).then_some(offset / 16)
    }
}

impl<C: Checks> Span<C> {
    /// Number of the cache that it belongs to. Who reads its own number owns the span; another number may be out of
    /// date.
    #[inline]
    pub(super) fn owner(&self) -> usize {
        self.owner.load(Ordering::Relaxed)
    }

    /// Gives the span to another cache.
    pub(super) fn set_owner(&self, owner: usize) {
        self.owner.store(owner, Ordering::Relaxed);
    }

    /// Whether all its blocks are free.
    #[inline]
    pub(super) fn is_unused(&self) -> bool {
        self.used.get() == 0
    }

    /// What is noted of its blocks.
    pub(super) fn book(&self) -> &impl Book {
        &self.book
    }
}

/// Spans in a list, each in at most one.
pub(super) struct SpanList<C: Checks> {
    first: Cell<Option<SpanRef<C>>>,
}

impl<C: Checks> SpanList<C> {
    pub(super) const fn new() -> Self {
        Self { first: Cell::new(None) }
    }

    #[inline]
    pub(super) fn first(&self) -> Option<SpanRef<C>> {
        self.first.get()
    }

    /// Puts a span in front.
    pub(super) fn push(&self, span: SpanRef<C>) {
        let first = self.first.replace(Some(span));
        span.previous.set(None);
        span.next.set(first);
        if let Some(first) = first {
            first.previous.set(Some(span));
        }
    }

    /// Takes a span out, which is in this list.
    pub(super) fn remove(&self, span: SpanRef<C>) {
        let (previous, next) = (span.previous.take(), span.next.take());
        match previous {
            Some(previous) => previous.next.set(next),
            None => self.first.set(next),
        }
        if let Some(next) = next {
            next.previous.set(previous);
        }
    }

    /// Takes the span in front out.
    pub(super) fn pop(&self) -> Option<SpanRef<C>> {
        let first = self.first()?;
        self.remove(first);
        Some(first)
    }

    /// The spans. One may be taken out once it has been returned.
    pub(super) fn iter(&self) -> impl Iterator<Item = SpanRef<C>> {
        let mut next = self.first();
        core::iter::from_fn(move || {
            let span = next?;
            next = span.next.get();
            Some(span)
        })
    }
}
