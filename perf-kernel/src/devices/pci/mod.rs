//! PCI and PCI Express: what is there, and where its registers are.

mod capabilities;
mod function;
mod mechanism;
mod messages;
mod scan;
#[cfg(test)]
mod scripted;
mod serial;

pub(crate) use capabilities::{Capability, capabilities};
pub(crate) use function::{Address, Bar, Function, Master, bar, enable};
pub(crate) use mechanism::{Configuration, MemoryMechanism, PortMechanism, windows};
pub(crate) use messages::{MSIX_ENTRY_BYTES, Message, disable_messages, enable_message};
pub(crate) use scan::scan;
#[cfg(test)]
pub(crate) use scripted::ScriptedBus;
pub(crate) use serial::serial_ports;
