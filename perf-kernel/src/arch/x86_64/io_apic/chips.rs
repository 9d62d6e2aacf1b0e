//! All I/O APICs of a machine.

use alloc::vec::Vec;

use super::entry::{Delivery, Entry, Line};
use super::registers::{IoApicRegisters, VERSION, halves};

/// More than the numbers of registers have room for.
const LINES_MAX: u32 = 120;

/// Why a line does not interrupt as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IoApicError {
    /// None has it.
    #[error("route line {0}: no I/O APIC has it")]
    NoLine(u32),
    /// The firmware wants it non-maskable, so that no driver may have it.
    #[error("route line {0}: it is the firmware's, for non-maskable interrupts")]
    Kept(u32),
    /// An entry has room for a CPU's identity up to 254, and 255 is all of them.
    #[error("route a line to the CPU with APIC identity {0}: it is out of reach")]
    FarCpu(u32),
    /// Vectors below 16 and 255 are no device's (data sheet, section 3.2.4).
    #[error("route a line to vector {0}: it is no device's")]
    Vector(u8),
    /// What is read back is not what was written.
    #[error("route line {0}: its I/O APIC does not take it")]
    NotTaken(u32),
}

/// One of them.
#[derive(Debug)]
struct Chip<R> {
    registers: R,
    /// The number of its first line.
    first: u32,
    lines: u8,
}

/// The I/O APICs of a machine.
#[derive(Debug)]
pub struct IoApics<R> {
    chips: Vec<Chip<R>>,
    /// Lines that are non-maskable interrupts.
    kept: Vec<Line>,
}

impl<R: IoApicRegisters> IoApics<R> {
    /// Takes over the chips, each with the number of its first line: masks all lines, and then makes those in
    /// `non_maskable` non-maskable interrupts of the CPU with the identity `apic_id`, as the firmware wants them. A chip
    /// that does not answer, or whose lines another one has, is left out.
    pub fn take_over(
        chips: impl IntoIterator<Item = (R, u32)>,
        non_maskable: Vec<Line>,
        apic_id: u32,
    ) -> Self {
        let mut taken: Vec<Chip<R>> = Vec::new();
        for (mut registers, first) in chips {
            // Bits 23 to 16: the number of the last entry. Where nothing answers, all bits read as ones.
            let lines = (registers.read(VERSION) >> 16 & 0xff) + 1;
            let Some(lines) = u8::try_from(lines).ok().filter(|_| lines <= LINES_MAX) else { continue };
            let chip = Chip { registers, first, lines };
            if !taken.iter().any(|other| other.overlaps(&chip)) {
                taken.push(chip);
            }
        }
        for chip in &mut taken {
            (0..chip.lines).for_each(|entry| chip.mask(entry));
        }
        let mut apics = Self { chips: taken, kept: Vec::new() };
        for line in &non_maskable {
            // A line that cannot be had stays masked.
            let _ = apics.route(*line, Delivery::NonMaskable, apic_id);
        }
        apics.kept = non_maskable;
        apics
    }

    /// How many lines there are.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.chips.iter().map(|chip| usize::from(chip.lines)).sum()
    }

    /// Whether `gsi` is a line that a driver may have.
    #[must_use]
    pub fn has_line(&self, gsi: u32) -> bool {
        self.chips.iter().any(|chip| chip.entry_of(gsi).is_some())
            && !self.kept.iter().any(|line| line.gsi == gsi)
    }

    /// Makes `line` the interrupt `delivery` of the CPU with this APIC identity.
    ///
    /// # Errors
    /// The line is then masked, if it is there and not the firmware's.
    pub fn route(&mut self, line: Line, delivery: Delivery, apic_id: u32) -> Result<(), IoApicError> {
        let Some(cpu) = u8::try_from(apic_id).ok().filter(|it| *it < u8::MAX) else {
            return Err(IoApicError::FarCpu(apic_id));
        };
        if let Delivery::Vector(vector @ (0..16 | 0xff)) = delivery {
            return Err(IoApicError::Vector(vector));
        }
        let (chip, entry) = self.find(line.gsi)?;
        let wanted = Entry::new(line, delivery, cpu);
        chip.set(entry, wanted).then_some(()).ok_or(IoApicError::NotTaken(line.gsi))
    }

    /// Keeps line number `gsi` from interrupting.
    ///
    /// # Errors
    /// It is not there, or the firmware's.
    pub fn mask(&mut self, gsi: u32) -> Result<(), IoApicError> {
        let (chip, entry) = self.find(gsi)?;
        chip.mask(entry);
        Ok(())
    }

    fn find(&mut self, gsi: u32) -> Result<(&mut Chip<R>, u8), IoApicError> {
        if self.kept.iter().any(|line| line.gsi == gsi) {
            return Err(IoApicError::Kept(gsi));
        }
        let found = self.chips.iter_mut().find_map(|chip| chip.entry_of(gsi).map(|entry| (chip, entry)));
        found.ok_or(IoApicError::NoLine(gsi))
    }
}

impl<R> Chip<R> {
    /// The entry of line number `gsi`.
    fn entry_of(&self, gsi: u32) -> Option<u8> {
        u8::try_from(gsi.checked_sub(self.first)?).ok().filter(|entry| *entry < self.lines)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.entry_of(other.first).is_some() || other.entry_of(self.first).is_some()
    }
}

impl<R: IoApicRegisters> Chip<R> {
    fn mask(&mut self, entry: u8) {
        let (low, _) = halves(entry);
        self.registers.write(low, Entry::MASKED);
    }

    /// Writes an entry and reads it back; whether it is what was wanted. Masked while it is neither the old entry nor the
    /// new one, and afterwards if it is not what was wanted.
    fn set(&mut self, entry: u8, wanted: Entry) -> bool {
        let (low, high) = halves(entry);
        self.registers.write(low, wanted.low | Entry::MASKED);
        self.registers.write(high, wanted.high);
        self.registers.write(low, wanted.low);
        let is_taken = self.registers.read(low) & Entry::KEPT == wanted.low
            && self.registers.read(high) & Entry::KEPT_HIGH == wanted.high;
        if !is_taken {
            self.mask(entry);
        }
        is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::Scripted;
    use super::super::{Polarity, Trigger};
    use super::*;

    fn line(gsi: u32) -> Line {
        Line { gsi, polarity: Polarity::High, trigger: Trigger::Edge }
    }

    fn one(lines: u8) -> IoApics<Scripted> {
        IoApics::take_over([(Scripted::with_lines(lines), 0)], Vec::new(), 0)
    }

    #[test]
    fn all_lines_of_all_chips_are_masked_first() {
        let chips = [(Scripted::with_lines(24), 0), (Scripted::with_lines(8), 24)];
        let apics = IoApics::take_over(chips, Vec::new(), 0);
        assert_eq!(apics.lines(), 32);
        for chip in &apics.chips {
            assert!((0..chip.lines).all(|entry| chip.registers.entry(entry) == (Entry::MASKED, 0)));
            assert_eq!(chip.registers.writes.len(), usize::from(chip.lines), "nothing else is written");
        }
    }

    #[test]
    fn a_route_is_masked_while_its_halves_differ() {
        let mut apics = one(24);
        apics.chips[0].registers.writes.clear();
        assert_eq!(apics.route(line(4), Delivery::Vector(0x31), 2), Ok(()));
        let writes = [(0x18, 0x1_0031), (0x19, 0x0200_0000), (0x18, 0x31)];
        assert_eq!(apics.chips[0].registers.writes, writes);
        assert_eq!(apics.mask(4), Ok(()));
        assert_eq!(apics.chips[0].registers.entry(4).0, Entry::MASKED);
    }

    #[test]
    fn the_line_is_that_of_the_chip_that_has_its_number() {
        let chips = [(Scripted::with_lines(24), 0), (Scripted::with_lines(8), 24)];
        let mut apics = IoApics::take_over(chips, Vec::new(), 0);
        assert_eq!(apics.route(line(25), Delivery::NonMaskable, 1), Ok(()));
        assert_eq!(apics.chips[1].registers.entry(1), (0x400, 0x0100_0000));
        assert_eq!(apics.route(line(32), Delivery::NonMaskable, 1), Err(IoApicError::NoLine(32)));
        assert_eq!((apics.has_line(31), apics.has_line(32)), (true, false));
    }

    #[test]
    fn an_interrupt_under_way_does_not_look_like_a_refusal() {
        let mut apics = one(24);
        // The delivery status and the remote request.
        apics.chips[0].registers.busy = 1 << 12 | 1 << 14;
        let line = Line { trigger: Trigger::Level, polarity: Polarity::Low, ..line(9) };
        assert_eq!(apics.route(line, Delivery::Vector(0x40), 0), Ok(()));
    }

    #[test]
    fn what_is_not_read_back_is_masked_and_refused() {
        let mut apics = one(24);
        apics.chips[0].registers.is_deaf = true;
        assert_eq!(apics.route(line(3), Delivery::Vector(0x40), 0), Err(IoApicError::NotTaken(3)));
        assert_eq!(apics.chips[0].registers.writes.last(), Some(&(0x16, Entry::MASKED)));
    }

    #[test]
    fn lines_that_the_firmware_wants_non_maskable_are_so_and_nobody_gets_them() {
        let kept = Line { polarity: Polarity::Low, trigger: Trigger::Level, ..line(7) };
        let mut apics = IoApics::take_over([(Scripted::with_lines(24), 0)], [kept].into(), 5);
        assert_eq!(apics.chips[0].registers.entry(7), (0x2400, 0x0500_0000));
        assert_eq!(apics.route(line(7), Delivery::Vector(0x40), 0), Err(IoApicError::Kept(7)));
        assert_eq!(apics.mask(7), Err(IoApicError::Kept(7)));
        assert!(!apics.has_line(7));
    }

    #[test]
    fn cpus_and_vectors_that_an_entry_cannot_name_are_refused() {
        let mut apics = one(24);
        for apic_id in [255, 256, 300] {
            let refused = apics.route(line(3), Delivery::NonMaskable, apic_id);
            assert_eq!(refused, Err(IoApicError::FarCpu(apic_id)));
        }
        for vector in [0, 15, 255] {
            let refused = apics.route(line(3), Delivery::Vector(vector), 0);
            assert_eq!(refused, Err(IoApicError::Vector(vector)));
        }
        assert_eq!(apics.chips[0].registers.entry(3).0, Entry::MASKED);
    }

    #[test]
    fn chips_that_do_not_answer_or_overlap_are_left_out() {
        let chips =
            [(Scripted::with_lines(0), 0), (Scripted::with_lines(24), 0), (Scripted::with_lines(24), 12)];
        let mut apics = IoApics::take_over(chips, Vec::new(), 0);
        assert_eq!(apics.lines(), 24);
        assert_eq!(apics.route(line(30), Delivery::NonMaskable, 0), Err(IoApicError::NoLine(30)));
    }
}
