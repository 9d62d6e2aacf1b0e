//! Boots of the real image under QEMU's emulator. `make test` builds the images first.

mod crashes;
mod devices;
mod exact;
mod harness;
mod machines;
mod processors;
mod resets;
