//! NVM Express disks (NVM Express Base Specification 1.4): one queue for administration, one for blocks, one command at a
//! time.

mod controller;
mod disk;
mod identity;
#[cfg(test)]
mod model;
mod queue;
#[cfg(test)]
mod tests;

pub(crate) use disk::NvmeDisk;
