//! How devices interrupt, and how drivers wait for that.

use alloc::sync::Arc;

use super::buses::Buses;
use super::machine::BarePlatform;
use super::threads;
use crate::arch::device_interrupts::DeviceVector;
use crate::arch::{Mmio, counter};
use crate::devices::access::Time;
use crate::devices::io::MemoryIo;
use crate::devices::pci::{
    Capability, Configuration, Function, MSIX_ENTRY_BYTES, Message, capabilities, disable_messages,
    enable_message,
};
use crate::units::{Hertz, Nanoseconds};

/// After how long whoever waits for an interrupt looks again without one: what a device that does not send it costs.
const LOOK_AGAIN: Nanoseconds = Nanoseconds::from_milliseconds(100);

/// Which kind of messages a function is to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Messages {
    /// By its table, or else the simpler kind.
    Any,
    /// The simpler kind: by its table, this function would send others for each of its parts.
    Simple,
}

/// The counter as a clock, and the interrupt of a device.
pub(super) struct DeviceTime {
    frequency: Hertz,
    interrupt: Option<DeviceInterrupt>,
}

/// A message that a function sends, by which it interrupts. It is switched off when this is dropped.
struct DeviceInterrupt {
    vector: DeviceVector,
    buses: Arc<Buses>,
    function: Function,
    capability: Capability,
}

impl Drop for DeviceInterrupt {
    fn drop(&mut self) {
        disable_messages(&mut **self.buses.space().lock(), self.function.address, self.capability);
    }
}

impl Time for DeviceTime {
    fn now(&self) -> Nanoseconds {
        Nanoseconds(counter::now().to_picoseconds(self.frequency) / 1_000)
    }

    fn message(&self) -> Option<u16> {
        // The first, for all that the device has to say.
        self.interrupt.as_ref().map(|_| 0)
    }

    fn interrupts(&self) -> u64 {
        self.interrupt.as_ref().map_or(0, |interrupt| interrupt.vector.interrupts())
    }

    fn rest(&self, seen: u64, patience: Nanoseconds) {
        let has_waited = self.interrupt.as_ref().is_some_and(|interrupt| {
            let ticks = Nanoseconds(patience.0.min(LOOK_AGAIN.0)).to_ticks(self.frequency);
            let deadline = counter::now().0.saturating_add(ticks.0);
            threads::wait_for_device(&interrupt.vector, seen, deadline)
        });
        if !has_waited {
            core::hint::spin_loop();
        }
    }
}

impl BarePlatform {
    /// The clock of the driver of `function`, which interrupts the calling CPU if it can send such messages. The function must
    /// be allowed to write memory, and not be in use.
    pub(super) fn time_of(&self, function: &Function, messages: Messages) -> DeviceTime {
        let interrupt = self.interrupt_of(function, messages);
        DeviceTime { frequency: self.frequency_or_guess(), interrupt }
    }

    fn interrupt_of(&self, function: &Function, messages: Messages) -> Option<DeviceInterrupt> {
        let vector = DeviceVector::take()?;
        let message = Message::to_cpu(DeviceVector::caller()?, vector.number())?;
        let buses = self.buses();
        let mut space = buses.space().lock();
        let found = capabilities(&mut **space, function);
        let is_table = |it: &&Capability| matches!(it, Capability::MsiX { .. });
        let by_table = found.iter().filter(|_| messages == Messages::Any).find(is_table);
        let simple = found.iter().find(|it| matches!(it, Capability::Msi { .. }));
        let capability = by_table.into_iter().chain(simple).copied().find(|capability| {
            let mut table = self.table_of_messages(&mut **space, function, *capability);
            let table = table.as_mut().map(|table| -> &mut dyn MemoryIo { table });
            enable_message(&mut **space, function.address, *capability, table, message)
        })?;
        drop(space);
        Some(DeviceInterrupt { vector, buses, function: *function, capability })
    }

    /// The table of messages of `function`, if `capability` has one.
    fn table_of_messages(
        &self,
        space: &mut (impl Configuration + ?Sized),
        function: &Function,
        capability: Capability,
    ) -> Option<Mmio> {
        let Capability::MsiX { messages, table_bar, table_offset, .. } = capability else { return None };
        let registers = self.registers(space, function, table_bar).ok()?;
        registers.part(table_offset, u32::from(messages) * MSIX_ENTRY_BYTES)
    }
}
