//! Intel's gigabit cards 82540EM and 82574L (PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual,
//! revision 4.0; 82574 GbE Controller Family Datasheet, revision 3.4), driven by what both have in common.

mod card;
#[cfg(test)]
mod model;
mod ring;
#[cfg(test)]
mod tests;

pub(crate) use card::{E1000, Model};
