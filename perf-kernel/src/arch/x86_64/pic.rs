//! The two 8259 interrupt controllers of old: nothing here uses them, so they are kept from interrupting.

use super::Ports;

const COMMAND: [u16; 2] = [0x20, 0xa0];
const DATA: [u16; 2] = [0x21, 0xa1];

/// Moves both controllers' vectors away from the exceptions, in case one is raised all the same, and masks all lines.
pub(super) fn mask(ports: Ports) {
    // Intel 8259A data sheet, "Initialization command words": ICW1 (0x11) says that ICW4 follows, ICW2 is the first
    // vector, ICW3 is how the two are wired, ICW4 (1) is the 8086 mode.
    let second_on_line_2 = [1 << 2, 2];
    for controller in 0..2 {
        ports.write_u8(COMMAND[controller], 0x11);
        ports.write_u8(DATA[controller], if controller == 0 { 0x20 } else { 0x28 });
        ports.write_u8(DATA[controller], second_on_line_2[controller]);
        ports.write_u8(DATA[controller], 1);
        ports.write_u8(DATA[controller], 0xff);
    }
}
