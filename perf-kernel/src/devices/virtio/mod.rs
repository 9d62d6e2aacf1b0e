//! Devices of the virtio kind on PCI (Virtual I/O Device 1.2), by their registers in memory. Their queues are those of
//! `virtio-drivers`, whose waits have no deadlines: here every wait has one.

mod card;
#[cfg(test)]
mod card_tests;
mod disk;
mod entropy;
#[cfg(test)]
mod entropy_tests;
#[cfg(test)]
mod model;
mod places;
mod requests;
#[cfg(test)]
mod tests;
mod transport;

pub(crate) use card::{BUFFERS, CARD_MEMORY_BYTES, VirtioCard};
pub(crate) use disk::{MEMORY_BYTES, QUEUE, VirtioDisk};
pub(crate) use entropy::{ENTROPY_MEMORY_BYTES, VirtioEntropy};
pub(crate) use places::{Kind, Place, places};
pub(crate) use requests::{Chain, Piece, Requests};
pub(crate) use transport::PciTransport;
