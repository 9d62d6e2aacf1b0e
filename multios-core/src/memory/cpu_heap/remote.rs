//! Blocks on their way home: a stack that any CPU pushes to and one takes whole.
//!
//! The stack of Treiber ("Systems programming: coping with parallelism", IBM RJ 5118, 1986) with one change: nobody pops a
//! single node, so that a node that left and came back in between (ABA) does no harm.

use core::ptr::{self, NonNull};

use crate::atomics::{AtomicPtr, Ordering};

/// Something that can stand in a stack.
///
/// # Safety
/// `next` returns what `set_next` was last called with.
pub(super) unsafe trait Node {
    /// Sets what stands behind it.
    ///
    /// # Safety
    /// `this` is valid, and nobody else uses it meanwhile.
    unsafe fn set_next(this: NonNull<Self>, next: *mut Self);

    /// What stands behind it.
    ///
    /// # Safety
    /// As for [`set_next`](Self::set_next), which was called before.
    unsafe fn next(this: NonNull<Self>) -> *mut Self;
}

/// A free block: its first bytes lead to the next.
#[repr(C)]
pub(super) struct FreeBlock {
    next: *mut Self,
}

// SAFETY: the link is one field, read and written as such.
unsafe impl Node for FreeBlock {
    #[inline]
    unsafe fn set_next(this: NonNull<Self>, next: *mut Self) {
        // SAFETY: the caller has a valid block to itself; blocks are aligned to 16 bytes.
        unsafe { this.write(Self { next }) };
    }

    #[inline]
    unsafe fn next(this: NonNull<Self>) -> *mut Self {
        // SAFETY: the caller has the block to itself, and the link was written.
        unsafe { this.read() }.next
    }
}

/// Nodes that nobody else uses, one behind the other.
pub(super) struct Chain<N: Node> {
    ends: Option<(NonNull<N>, NonNull<N>)>,
}

impl<N: Node> Chain<N> {
    pub(super) const fn new() -> Self {
        Self { ends: None }
    }

    /// Puts a node in front.
    ///
    /// # Safety
    /// The node is valid, and belongs to the chain from now on.
    #[inline]
    pub(super) unsafe fn push(&mut self, node: NonNull<N>) {
        let (next, last) = self.ends.map_or((ptr::null_mut(), node), |(first, last)| (first.as_ptr(), last));
        // SAFETY: the caller gives the node to the chain.
        unsafe { N::set_next(node, next) };
        self.ends = Some((node, last));
    }
}

/// A stack that any CPU may push to.
pub(super) struct Inbox<N> {
    head: AtomicPtr<N>,
}

impl<N: Node> Inbox<N> {
    /// An empty one.
    #[cfg(all(test, feature = "loom"))]
    pub(super) fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Puts a whole chain on the stack: one exchange, however long it is.
    #[inline]
    pub(super) fn push(&self, chain: Chain<N>) {
        let Some((first, last)) = chain.ends else { return };
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the chain's nodes are ours until the exchange.
            unsafe { N::set_next(last, head) };
            // Release: whoever takes the nodes sees their links, and what their users wrote into them as over.
            match self.head.compare_exchange_weak(head, first.as_ptr(), Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes all nodes, those that came last first. They are the caller's, each leading to the next, the last to null.
    #[inline]
    pub(super) fn take(&self) -> *mut N {
        // A look first: most often nothing has come, and looking takes the line from nobody.
        if self.head.load(Ordering::Relaxed).is_null() {
            return ptr::null_mut();
        }
        self.head.swap(ptr::null_mut(), Ordering::Acquire)
    }
}
