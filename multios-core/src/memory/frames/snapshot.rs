//! Which blocks are allocated, noted so that a frame allocator can be brought back to it.

use alloc::vec::Vec;

use super::{Frames, ORDERS};

/// The blocks that were allocated at some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FramesSnapshot {
    /// Order and number of each.
    blocks: Vec<(u8, usize)>,
}

impl FramesSnapshot {
    /// How many there were.
    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.blocks.len()
    }
}

impl Frames {
    /// Notes which blocks are allocated now. Looks at all tables, whose size goes with that of the memory.
    #[must_use]
    pub fn snapshot(&self) -> FramesSnapshot {
        let orders = (0..).zip(&self.orders);
        let blocks =
            orders.flat_map(|(order, blocks)| blocks.allocated.iter().map(move |block| (order, block)));
        FramesSnapshot { blocks: blocks.collect() }
    }

    /// Makes exactly the blocks of `snapshot`, which is of this allocator, allocated again. Nothing else that the tables
    /// say is believed: they may be half changed. Takes no memory.
    ///
    /// Which blocks are free follows from those that are not, because free halves are always joined; so the allocator
    /// answers as it did then.
    pub fn restore(&mut self, snapshot: &FramesSnapshot) {
        for blocks in &mut self.orders {
            blocks.free.clear();
            blocks.allocated.clear();
            blocks.free_blocks = 0;
        }
        self.orders_with_free = 0;
        for at in 0..self.regions.len() {
            self.free_whole_region(at);
        }
        for (order, block) in &snapshot.blocks {
            self.carve(*order, *block);
        }
    }

    /// Allocates one block of `2^order` frames, which is free.
    fn carve(&mut self, order: u8, block: usize) {
        let above = (order..).take_while(|above| usize::from(*above) < ORDERS);
        let mut holders = above.map(|above| (above, block >> (above - order)));
        let Some((above, holder)) =
            holders.find(|(above, holder)| self.orders[usize::from(*above)].free.contains(*holder))
        else {
            return;
        };
        self.remove_free(above, holder);
        for half in (order..above).rev() {
            self.insert_free(half, (block >> (half - order)) ^ 1);
        }
        self.orders[usize::from(order)].allocated.insert(block);
    }
}
