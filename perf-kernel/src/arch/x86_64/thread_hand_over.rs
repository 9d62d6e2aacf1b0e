//! From one thread to another that waits for it, without the run queue.

use multios_core::sync::{Deadline, Wake};

use super::thread_system::{Hardware, ThreadSystem};
use crate::kernel::threads::ThreadId;

impl<H: Hardware> ThreadSystem<H> {
    /// Wakes `to`, which runs at once, and parks the calling thread, perhaps until `deadline`; says how that ended. `None`
    /// if it is not as simple as that, and then nothing was done. Interrupts are off, and the CPU is not held.
    ///
    /// A token that comes while it waits for good is how it wakes, and one that was there before makes it `None`.
    #[inline]
    pub fn hand_over(&'static self, to: ThreadId, deadline: Option<Deadline>) -> Option<Wake> {
        let mut table = self.table.lock();
        self.expire(&mut table);
        let cpu = self.hardware.cpu();
        let switch = table.hand_over(cpu, to, deadline.map(|deadline| deadline.0))?;
        self.switch(table, switch);
        if deadline.is_none() {
            return Some(Wake::Unparked);
        }
        Some(self.table.lock().end_park(self.hardware.cpu()))
    }
}
