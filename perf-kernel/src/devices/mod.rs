//! Devices: the buses they are found on, and drivers over traits of register access and memory that devices reach.

pub(crate) mod access;
pub(crate) mod e1000;
pub(crate) mod io;
pub(crate) mod nvme;
pub(crate) mod pci;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(any(feature = "kernel", test))]
pub(crate) mod virtio;
