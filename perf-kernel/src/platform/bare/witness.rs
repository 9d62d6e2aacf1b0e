//! A mark outside of memory that the kernel itself has reset the machine.
//!
//! A machine that clears its memory at each reset loses the note, would begin anew, crash, and be reset for ever. The mark
//! tells it: a start that finds the mark and no note takes no resets.

/// Registers of the real-time clock (MC146818A data sheet, "Address Map"): alarm seconds, minutes and hours.
const ALARM: [u8; 3] = [1, 3, 5];
const REGISTER_B: u8 = 0xb;
/// The alarm interrupts: then the alarm is somebody's, who may want the machine to switch itself on.
const ALARM_INTERRUPT: u8 = 1 << 5;
/// Values that mean any time there ("an alarm byte with a hexadecimal value of C0 to FF").
const MARK: [u8; 3] = [0xe5, 0xd9, 0xf3];
const ANY_TIME: [u8; 3] = [0xff; 3];

/// Access to the clock's registers.
pub(super) trait ClockRegisters {
    /// Reads register `index`.
    fn read(&self, index: u8) -> u8;

    /// Writes register `index`.
    fn write(&self, index: u8, value: u8);
}

/// Leaves the mark; whether it is there. It is not where the alarm is in use, or where there is no such clock.
#[must_use]
pub(super) fn set(clock: &impl ClockRegisters) -> bool {
    if clock.read(REGISTER_B) & ALARM_INTERRUPT != 0 {
        return false;
    }
    write(clock, MARK);
    is_set(clock)
}

/// Takes the mark away; whether it was there.
pub(super) fn take(clock: &impl ClockRegisters) -> bool {
    let was_set = is_set(clock);
    if was_set {
        write(clock, ANY_TIME);
    }
    was_set
}

fn is_set(clock: &impl ClockRegisters) -> bool {
    ALARM.map(|index| clock.read(index)) == MARK
}

fn write(clock: &impl ClockRegisters, values: [u8; 3]) {
    for (index, value) in ALARM.into_iter().zip(values) {
        clock.write(index, value);
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    #[derive(Default)]
    struct Clock(Cell<[u8; 16]>);

    impl ClockRegisters for Clock {
        fn read(&self, index: u8) -> u8 {
            self.0.get()[usize::from(index)]
        }

        fn write(&self, index: u8, value: u8) {
            let mut registers = self.0.get();
            registers[usize::from(index)] = value;
            self.0.set(registers);
        }
    }

    #[test]
    fn the_mark_is_taken_once() {
        let clock = Clock::default();
        assert!(!take(&clock));
        assert!(set(&clock));
        assert!(take(&clock));
        assert!(!take(&clock));
        assert_eq!(clock.0.get().iter().filter(|value| **value != 0).count(), ALARM.len());
    }

    #[test]
    fn an_alarm_that_is_in_use_is_left_alone() {
        let clock = Clock::default();
        clock.write(REGISTER_B, ALARM_INTERRUPT);
        let before = clock.0.get();
        assert!(!set(&clock));
        assert_eq!(clock.0.get(), before);
    }

    #[test]
    fn a_machine_without_that_clock_takes_no_mark() {
        struct Nothing;
        impl ClockRegisters for Nothing {
            fn read(&self, _index: u8) -> u8 {
                u8::MAX
            }
            fn write(&self, _index: u8, _value: u8) {}
        }
        assert!(!set(&Nothing) && !take(&Nothing));
    }
}
