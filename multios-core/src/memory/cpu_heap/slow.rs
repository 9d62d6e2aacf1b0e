//! What happens when a magazine is empty or full, and when memory is short.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::accounts::Tag;
use super::cache::Cache;
use super::check::Checks;
use super::class::Class;
use super::heap::{CpuHeap, SHARED};
use super::local::{CACHES, CurrentCpu, Entered};
use super::pages::{Pages, UNIT_BYTES};
use super::remote::{Chain, FreeBlock};
use super::span::SpanRef;

impl<P: Pages, L: CurrentCpu, C: Checks> CpuHeap<P, L, C> {
    /// Gives up what the running CPU, and nobody in particular, keeps; returns to the source what no block is in, and says
    /// how many bytes that was. The other CPUs give up what they keep when they next fill or empty a magazine, or when they
    /// call this.
    pub fn reclaim(&self) -> usize {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.with_cache(|cache, number| self.answer(cache, number));
        self.with_shared(|_| ());
        self.pool.trim(&self.pages) + self.middle.trim(&self.pages)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn refill_and_take(
        &self,
        class: Class,
        bytes: usize,
        tag: Option<Tag>,
    ) -> Option<NonNull<u8>> {
        let take = |cache: &Cache<C>, number| {
            let block = cache.magazine(class).take().or_else(|| self.refill(cache, number, class))?;
            cache.note_taken(class, bytes, tag);
            self.fold(cache);
            Some(block)
        };
        self.with_cache(take).flatten()
    }

    /// # Safety
    /// `block` is a live small block of this heap and of `class`, and not used any more.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn flush_and_give(
        &self,
        block: NonNull<u8>,
        class: Class,
        bytes: usize,
        tag: Option<Tag>,
    ) {
        let give = |cache: &Cache<C>, number| {
            let magazine = cache.magazine(class);
            if !magazine.give(block) {
                let mut home = Home::new(self, cache, number, class);
                // SAFETY: what is in a magazine is nobody else's, and of its class.
                magazine.take_oldest(magazine.half(), |block| unsafe { home.send(block) });
                drop(home);
                let is_given = magazine.give(block);
                debug_assert!(is_given, "half of the magazine is empty");
            }
            cache.note_given(class, bytes, tag);
            self.fold(cache);
        };
        let is_given = self.with_cache(give).is_some();
        debug_assert!(is_given, "there is a shared cache as soon as there is a small block");
    }

    /// Runs `work` with the running CPU's cache and its number, or with the shared one. `None` if there is no memory for
    /// a cache.
    pub(super) fn with_cache<R>(&self, work: impl FnOnce(&Cache<C>, usize) -> R) -> Option<R> {
        let mut entered = self.cpus.enter();
        if entered.number() >= CACHES {
            drop(entered);
            self.cpus.join();
            entered = self.cpus.enter();
        }
        let number = entered.number();
        if number < CACHES
            && let Some(cache) = self.cache_or_new(number)
        {
            self.answer_if_called(cache, number);
            return Some(work(cache, number));
        }
        let _lock = self.shared.lock();
        let cache = self.cache_or_new(SHARED)?;
        Some(work(cache, SHARED))
    }

    /// Runs `work` with the shared cache, from which everything that is unused has been taken. `None` if there is none.
    fn with_shared<R>(&self, work: impl FnOnce(&Cache<C>) -> R) -> Option<R> {
        // An interrupt that wants the lock must not come in between.
        let _entered = self.cpus.enter();
        let _lock = self.shared.lock();
        let cache = NonNull::new(self.place(SHARED).load(Ordering::Acquire))?;
        // SAFETY: a cache is whole when it is stored, and never taken away.
        let cache = unsafe { cache.as_ref() };
        self.answer(cache, SHARED);
        Some(work(cache))
    }

    /// The cache with this number, which is the caller's. `None` if there is no memory for it.
    ///
    /// The shared one is made before any other: when there is no memory for a cache, those who have none yet can still free.
    fn cache_or_new(&self, number: usize) -> Option<&Cache<C>> {
        let place = self.place(number);
        let cache = match NonNull::new(place.load(Ordering::Acquire)) {
            Some(cache) => cache,
            None => {
                if number != SHARED {
                    let _lock = self.shared.lock();
                    self.cache_or_new(SHARED)?;
                }
                let bytes = size_of::<Cache<C>>().next_multiple_of(UNIT_BYTES);
                let cache = self.pages.take(bytes, UNIT_BYTES)?.cast::<Cache<C>>();
                // SAFETY: the memory was taken just now, and is long and aligned enough.
                unsafe { Cache::begin(cache) };
                place.store(cache.as_ptr(), Ordering::Release);
                cache
            }
        };
        // SAFETY: a cache is whole when it is stored, and never taken away.
        Some(unsafe { cache.as_ref() })
    }

    /// Fills the empty magazine, and takes a block from it. `None` if there is no memory.
    fn refill(&self, cache: &Cache<C>, number: usize, class: Class) -> Option<NonNull<u8>> {
        let batch = cache.magazine(class).next_batch();
        for is_last in [false, true] {
            while !cache.fill(class, batch) {
                if !self.add_span(cache, number, class) {
                    break;
                }
            }
            let block = cache.magazine(class).take();
            if block.is_some() || is_last {
                return block;
            }
            // Before it fails, everything that is kept for later is used.
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.answer(cache, number);
            if number != SHARED {
                let _lock = self.shared.lock();
                if let Some(shared) = NonNull::new(self.place(SHARED).load(Ordering::Acquire)) {
                    // SAFETY: a cache is whole when it is stored, and never taken away.
                    self.answer(unsafe { shared.as_ref() }, SHARED);
                }
            }
            self.middle.trim(&self.pages);
        }
        None
    }

    /// Gets one more span that may have free blocks. `false` if there is none.
    fn add_span(&self, cache: &Cache<C>, number: usize, class: Class) -> bool {
        let span = self.adopt(number, class).or_else(|| {
            let span = self.pool.take(&self.pages)?;
            span.cut(class, number);
            Some(span)
        });
        span.map(|span| cache.shelf(class).add(span)).is_some()
    }

    /// A span with blocks in use whose owner has gone.
    fn adopt(&self, number: usize, class: Class) -> Option<SpanRef<C>> {
        let shared = NonNull::new(self.place(SHARED).load(Ordering::Acquire))?;
        if number == SHARED {
            return None;
        }
        // SAFETY: a cache is whole when it is stored, and never taken away.
        let shared = unsafe { shared.as_ref() };
        let _lock = self.shared.lock();
        self.take_in(shared, SHARED, class);
        let span = shared.shelf(class).open.first()?;
        shared.shelf(class).give_up(span).set_owner(number);
        Some(span)
    }

    /// Gives up everything that a cache keeps, if somebody has called for memory since it last did.
    #[inline]
    fn answer_if_called(&self, cache: &Cache<C>, number: usize) {
        if cache.answered.get() != self.calls.load(Ordering::Relaxed) {
            self.answer(cache, number);
        }
    }

    /// Sends every block that a cache keeps home, and gives up its spans without blocks in use.
    pub(super) fn answer(&self, cache: &Cache<C>, number: usize) {
        cache.answered.set(self.calls.load(Ordering::Relaxed));
        for class in Class::all() {
            let mut home = Home::new(self, cache, number, class);
            // SAFETY: what is in a magazine is nobody else's, and of its class.
            cache.magazine(class).take_oldest(usize::MAX, |block| unsafe { home.send(block) });
            drop(home);
            self.take_in(cache, number, class);
            let shelf = cache.shelf(class);
            for span in shelf.open.iter().filter(|span| span.is_unused()) {
                self.pool.give(shelf.give_up(span), &self.pages);
            }
        }
    }

    /// Sends home what has come into a cache's inbox.
    fn take_in(&self, cache: &Cache<C>, number: usize, class: Class) {
        let mut home = Home::new(self, cache, number, class);
        while let Some(block) = cache.take_sent(class) {
            // SAFETY: what was sent is nobody else's, and of its class.
            unsafe { home.send(block) };
        }
    }

    /// Gives what a cache has of live bytes to the peak.
    pub(super) fn fold(&self, cache: &Cache<C>) {
        let live = cache.live_bytes.get();
        let change = live.wrapping_sub(cache.folded_bytes.replace(live));
        self.peak.add(change);
    }

    /// Sends blocks to the cache that their spans belong to.
    fn post(&self, owner: usize, class: Class, chain: Chain<FreeBlock>) {
        let cache = NonNull::new(self.place(owner).load(Ordering::Acquire));
        debug_assert!(cache.is_some(), "a span belongs to a cache that was never made");
        if let Some(cache) = cache {
            // SAFETY: a cache is whole when it is stored, and never taken away.
            unsafe { cache.as_ref() }.inbox(class).push(chain);
        }
    }

    /// Gives up everything that is kept for the cache with this number.
    ///
    /// # Safety
    /// Nobody else uses that cache.
    pub unsafe fn give_up_cache(&self, number: usize) {
        let Some(cache) = self.cache(number) else { return };
        self.answer(cache, number);
        self.fold(cache);
        let _lock = self.shared.lock();
        let Some(shared) = self.cache_or_new(SHARED) else { return };
        for class in Class::all() {
            cache.shelf(class).empty(|span| {
                span.set_owner(SHARED);
                shared.shelf(class).add(span);
            });
            // What came from those who had not seen yet that the spans have gone to another.
            self.take_in(cache, number, class);
        }
    }
}

/// Sends free blocks of one class home: to the spans of a cache, or to the caches that the other spans belong to.
struct Home<'heap, P: Pages, L: CurrentCpu, C: Checks> {
    heap: &'heap CpuHeap<P, L, C>,
    cache: &'heap Cache<C>,
    number: usize,
    class: Class,
    /// Blocks for the cache with the number `to`.
    chain: Chain<FreeBlock>,
    to: usize,
}

impl<'heap, P: Pages, L: CurrentCpu, C: Checks> Home<'heap, P, L, C> {
    fn new(heap: &'heap CpuHeap<P, L, C>, cache: &'heap Cache<C>, number: usize, class: Class) -> Self {
        Self { heap, cache, number, class, chain: Chain::new(), to: number }
    }

    /// # Safety
    /// `block` is of the class, and nobody else's.
    unsafe fn send(&mut self, block: NonNull<u8>) {
        // SAFETY: small blocks lie in spans.
        let span = unsafe { SpanRef::<C>::of(block) };
        let owner = span.owner();
        if owner == self.number {
            // SAFETY: the span is of this cache, and the caller gives the block up.
            if let Some(unused) = unsafe { self.cache.put(span, self.class, block) } {
                self.heap.pool.give(unused, &self.heap.pages);
            }
            return;
        }
        if owner != self.to {
            self.post();
            self.to = owner;
        }
        // SAFETY: the caller gives the block up.
        unsafe { self.chain.push(block.cast()) };
        self.cache.magazine(self.class).sent().add(1);
    }

    fn post(&mut self) {
        let chain = core::mem::replace(&mut self.chain, Chain::new());
        self.heap.post(self.to, self.class, chain);
    }
}

impl<P: Pages, L: CurrentCpu, C: Checks> Drop for Home<'_, P, L, C> {
    fn drop(&mut self) {
        self.post();
    }
}
