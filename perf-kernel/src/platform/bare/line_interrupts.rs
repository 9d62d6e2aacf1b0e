//! An interrupt by a line of the I/O APICs: that of the interval timer.

use alloc::string::{String, ToString};

use super::alarm::IntervalAlarm;
use super::lines::Lines;
use super::machine::BarePlatform;
use super::watchdog;
use crate::arch::device_interrupts::DeviceVector;
use crate::arch::io_apic::Delivery;
use crate::arch::signals;
use crate::units::Nanoseconds;

/// The interrupt of the ISA bus that the interval timer has.
const INTERVAL_IRQ: u8 = 0;
/// A millisecond of the timer, which counts at 1.193 MHz.
const COUNTS: u16 = 1_193;
/// How long a ring may take, on a busy emulator too.
const PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(2_000);
/// How long is waited for interrupts that should not come.
const SILENCE: Nanoseconds = Nanoseconds::from_milliseconds(5);

impl BarePlatform {
    /// The body of [`crate::platform::Interrupts::interrupt_by_line`].
    pub(super) fn ring_by_line(&self, times: u64) -> Result<u64, String> {
        let lines = Lines::get().ok_or("there is no I/O APIC")?;
        let line = lines.of_isa(INTERVAL_IRQ);
        if watchdog::uses(line) {
            return Err("the watchdog has the line of the interval timer".to_string());
        }
        let vector = DeviceVector::take().ok_or("no vector is free")?;
        let cpu = DeviceVector::caller().ok_or("there is no local APIC")?;
        let mut timer = IntervalAlarm::new(self.ports);
        // Whatever it was at, its output is high afterwards, and stays so.
        timer.start_once(COUNTS);
        let patience = self.ticks(PATIENCE);
        let is_at_rest = signals::wait_until(patience, &mut || timer.is_over());
        let routed = lines.apics.lock().route(line, Delivery::Vector(vector.number()), cpu);
        routed.map_err(|error| error.to_string())?;
        let before = vector.interrupts();
        let mut is_ringing = is_at_rest;
        for ring in 0..times {
            timer.start_once(COUNTS);
            is_ringing &= signals::wait_until(patience, &mut || vector.interrupts() - before > ring);
            if !is_ringing {
                break;
            }
        }
        signals::wait_until(self.ticks(SILENCE), &mut || false);
        // It was routed, and so is there.
        let _ = lines.apics.lock().mask(line.gsi);
        Ok(vector.interrupts() - before)
    }
}
