//! What is done for the dead, outside collections.

use super::collector::{Collector, Managed};

impl<T: Managed> Collector<T> {
    /// Finalises dead objects, `most` of them, latest found first, and gives how many it did.
    pub fn run_finalisers(&mut self, most: usize) -> usize {
        for done in 0..most {
            let Some(number) = self.dying.pop(&mut self.space.slots) else { return done };
            if let Some(object) = self.space.take(number) {
                object.finalise();
            }
        }
        most
    }
}
