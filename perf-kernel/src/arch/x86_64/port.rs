//! I/O ports.

use x86_64::instructions::port::Port;

use super::Ring0;

/// The 64 Ki I/O ports. A port never touches memory that Rust knows of, so long as no device is told to write there;
/// drivers that do that do not use this type.
#[derive(Clone, Copy, Debug)]
pub struct Ports(Ring0);

macro_rules! port_access {
    ($read:ident, $write:ident, $word:ty, $name:literal) => {
        #[doc = concat!("Reads ", $name, " from `port`.")]
        #[must_use]
        pub fn $read(self, port: u16) -> $word {
            // SAFETY: `Ring0` says that the instruction is allowed; it writes no memory.
            unsafe { Port::<$word>::new(port).read() }
        }

        #[doc = concat!("Writes ", $name, " to `port`.")]
        pub fn $write(self, port: u16, value: $word) {
            // SAFETY: `Ring0` says that the instruction is allowed; the type's contract keeps devices off memory.
            unsafe { Port::<$word>::new(port).write(value) }
        }
    };
}

impl Ports {
    /// The ports of the machine that `ring0` owns.
    #[must_use]
    pub const fn new(ring0: Ring0) -> Self {
        Self(ring0)
    }

    port_access!(read_u8, write_u8, u8, "a byte");
    port_access!(read_u16, write_u16, u16, "two bytes");
    port_access!(read_u32, write_u32, u32, "four bytes");
}
