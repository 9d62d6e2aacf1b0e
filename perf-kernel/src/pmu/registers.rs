//! Access to the registers that count and sense.

/// Model-specific registers and RDPMC, on the processor that the caller runs on. Each access fails where the processor
/// or a hypervisor refuses it (#GP, or #UD from an emulator that knows no RDPMC).
pub trait Registers {
    /// Reads the model-specific register `index`; `None` if it is refused.
    fn read(&self, index: u32) -> Option<u64>;

    /// Writes the model-specific register `index`; `None` if it is refused.
    fn write(&self, index: u32, value: u64) -> Option<()>;

    /// Reads a counter by RDPMC with `selector` in ECX; `None` if it is refused.
    fn read_counter(&self, selector: u32) -> Option<u64>;
}

impl<R: Registers> Registers for &R {
    fn read(&self, index: u32) -> Option<u64> {
        R::read(self, index)
    }

    fn write(&self, index: u32, value: u64) -> Option<()> {
        R::write(self, index, value)
    }

    fn read_counter(&self, selector: u32) -> Option<u64> {
        R::read_counter(self, selector)
    }
}
