//! The right to the whole machine, as a value that safe code must be handed.

/// Stands for: this code runs in ring 0, as the only system on the machine.
#[derive(Clone, Copy, Debug)]
pub struct Ring0(());

impl Ring0 {
    /// Claims the machine.
    ///
    /// # Safety
    /// The processor is in ring 0, no other system or firmware service runs beside the caller, and interrupts are
    /// off.
    #[must_use]
    pub const unsafe fn assume() -> Self {
        Self(())
    }
}
