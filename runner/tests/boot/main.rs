//! Boots of the real image under QEMU's emulator. `make test` builds the images first.

mod cold;
mod crashes;
mod devices;
mod exact;
mod harness;
mod machines;
mod network;
mod overruns;
mod processors;
mod resets;
mod signals;
