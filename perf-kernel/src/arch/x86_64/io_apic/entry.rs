//! What an entry of the redirection table says.

/// At which level a line is asserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// High.
    High,
    /// Low.
    Low,
}

/// What of a line makes an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// That it becomes asserted.
    Edge,
    /// That it is.
    Level,
}

/// An input of the machine's I/O APICs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number among the inputs of all of them: the global system interrupt of ACPI.
    pub gsi: u32,
    /// When it is asserted.
    pub polarity: Polarity,
    /// When it interrupts.
    pub trigger: Trigger,
}

/// What an interrupt is to the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The interrupt of a vector, 16 to 254.
    Vector(u8),
    /// The non-maskable interrupt.
    NonMaskable,
}

/// An entry of the redirection table that interrupts (data sheet, section 3.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Bits 31 to 0.
    pub low: u32,
    /// Bits 63 to 32.
    pub high: u32,
}

impl Entry {
    /// Bit 16: the line does not interrupt.
    pub const MASKED: u32 = 1 << 16;
    /// The bits of the lower half that are read as they were written: neither bit 12, the delivery status, nor bit 14, the
    /// remote request, nor those above the mask.
    pub const KEPT: u32 = 0x1_afff;
    /// The bits of the upper half that are: the destination.
    pub const KEPT_HIGH: u32 = 0xff << 24;

    /// The entry that makes `line` the interrupt `delivery` of the CPU with this APIC identity, by physical destination
    /// mode (bit 11 clear).
    #[must_use]
    pub fn new(line: Line, delivery: Delivery, apic_id: u8) -> Self {
        // Bits 10 to 8, the delivery mode, and bits 7 to 0, the vector.
        let (mode, trigger) = match delivery {
            Delivery::Vector(vector) => (u32::from(vector), line.trigger),
            // Always edge-triggered (section 3.2.4, delivery mode 100): there is nothing that would end it.
            Delivery::NonMaskable => (0b100 << 8, Trigger::Edge),
        };
        // Bit 13.
        let polarity = u32::from(line.polarity == Polarity::Low) << 13;
        // Bit 15.
        let trigger = u32::from(trigger == Trigger::Level) << 15;
        Self { low: mode | polarity | trigger, high: u32::from(apic_id) << 24 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_its_fields_where_the_data_sheet_puts_them() {
        let line = Line { gsi: 4, polarity: Polarity::High, trigger: Trigger::Edge };
        assert_eq!(Entry::new(line, Delivery::Vector(0x31), 3), Entry { low: 0x31, high: 0x0300_0000 });
        let line = Line { polarity: Polarity::Low, trigger: Trigger::Level, ..line };
        assert_eq!(Entry::new(line, Delivery::Vector(0xfe), 0), Entry { low: 0xa0fe, high: 0 });
    }

    #[test]
    fn non_maskable_interrupts_are_edge_triggered_and_have_no_vector() {
        let line = Line { gsi: 20, polarity: Polarity::Low, trigger: Trigger::Level };
        assert_eq!(Entry::new(line, Delivery::NonMaskable, 0xff), Entry { low: 0x2400, high: 0xff00_0000 });
    }
}
