//! The timer that watches benches: it interrupts the first CPU when a bench has run for too long, whether or not that takes
//! interrupts.

use alloc::format;
use alloc::string::{String, ToString};

use spin::Mutex;

use super::alarm::{Comparator, IntervalAlarm, Message, Way};
use super::lines::Lines;
use super::machine::BarePlatform;
use crate::arch::io_apic::{Delivery, Line, Polarity, Trigger};
use crate::arch::{Mmio, Ports, apic, counter, watchdog};
use crate::units::{Hertz, Nanoseconds, Ticks};
use crate::wire::Level;

/// For how long a ring is waited for when the watchdog is tried: the interval timer takes 55 ms, an emulator on a busy host
/// more than a second.
const TRIAL: Nanoseconds = Nanoseconds::from_milliseconds(8_000);
/// When it should come.
const TRIAL_WAIT: Nanoseconds = Nanoseconds(200_000);
/// By how much a ring is later than asked for, at least, so that the deadline has passed when it comes.
const SLACK: Nanoseconds = Nanoseconds(100_000);
/// The interrupt of the ISA bus that the interval timer has.
const INTERVAL_IRQ: u8 = 0;

/// The watchdog, once it was found to work. The lock is not held while a bench runs.
static WATCHDOG: Mutex<Option<Watchdog>> = Mutex::new(None);

struct Watchdog {
    alarm: Alarm,
    /// The line that it rings by, masked unless something is watched; `None` if it sends messages.
    line: Option<Line>,
    frequency: Hertz,
}

enum Alarm {
    Comparator(Comparator<Mmio>),
    Interval(IntervalAlarm<Ports>),
}

impl BarePlatform {
    /// Looks for a timer that can watch benches, tries it, and says what there is to say of it.
    pub(super) fn start_watchdog(&self) -> (Level, String) {
        let without = |why: &str| {
            let text = format!("no watchdog, so that a bench that never ends takes the boot with it: {why}");
            (Level::Warning, text)
        };
        let Some(apic) = apic::local() else { return without("there is no local APIC") };
        let Some(watchdog) = self.find_watchdog(apic.identity()) else {
            return without("no timer has a line or messages of its own");
        };
        let text = watchdog.describe();
        *WATCHDOG.lock() = Some(watchdog);
        watchdog::set_ring_after(ring_after);
        if self.is_watchdog_heard() {
            return (Level::Info, text);
        }
        *WATCHDOG.lock() = None;
        without(&format!("{text}, and it was not heard"))
    }

    fn find_watchdog(&self, apic_id: u32) -> Option<Watchdog> {
        let frequency = self.frequency_or_guess();
        let comparator = self.event_timer_registers().and_then(|registers| {
            let may_use = |line| Lines::get().is_some_and(|lines| lines.is_free(line));
            Comparator::find(registers, message_to(apic_id), &may_use)
        });
        if let Some(comparator) = comparator {
            let line = match comparator.way() {
                Way::Line(gsi) => Some(Line { gsi, polarity: Polarity::High, trigger: Trigger::Edge }),
                Way::Message(_) => None,
            };
            return Some(Watchdog { alarm: Alarm::Comparator(comparator), line, frequency });
        }
        let lines = Lines::get()?;
        let line = lines.of_isa(INTERVAL_IRQ);
        lines.apics.lock().has_line(line.gsi).then(|| Watchdog {
            alarm: Alarm::Interval(IntervalAlarm::new(self.ports)),
            line: Some(line),
            frequency,
        })
    }

    /// Whether a ring arrives, where it would for a bench.
    fn is_watchdog_heard(&self) -> bool {
        let before = watchdog::rings();
        let is_set = start(TRIAL_WAIT, TRIAL, self.frequency_or_guess());
        let begin = counter::now();
        let patience = self.ticks(TRIAL);
        // No pause between: some emulators give way to themselves at each, and their timers come late.
        while is_set && watchdog::rings() == before && counter::now().since(begin) < patience {}
        stop();
        watchdog::rings() != before
    }

    /// Watches what runs from now on, which has `limit`.
    pub(super) fn watch(&self, limit: Nanoseconds) {
        start(limit, limit, self.frequency_or_guess());
    }

    /// Watches nothing any more.
    pub(super) fn stop_watching(&self) {
        stop();
    }
}

impl Watchdog {
    fn describe(&self) -> String {
        let way = self.line.map_or_else(|| "by messages".to_string(), |line| format!("by line {}", line.gsi));
        match &self.alarm {
            Alarm::Comparator(comparator) => {
                format!("watchdog: comparator {} of the HPET, {way}", comparator.number())
            }
            Alarm::Interval(_) => {
                format!("watchdog: channel 0 of the 8254, {way}; its rings disturb samples every 55 ms")
            }
        }
    }

    /// Lets it ring once `wait` has passed, or before; whether it will.
    fn start(&mut self, wait: Nanoseconds) -> bool {
        let wait = Nanoseconds(wait.0.saturating_add(wait.0 / 1024).saturating_add(SLACK.0));
        match &mut self.alarm {
            Alarm::Comparator(comparator) => comparator.start(wait),
            Alarm::Interval(interval) => {
                interval.start();
                true
            }
        }
    }

    /// Lets its line interrupt; whether it does.
    fn connect(&self) -> bool {
        let Some(line) = self.line else { return true };
        let (Some(lines), Some(apic)) = (Lines::get(), apic::local()) else { return false };
        lines.apics.lock().route(line, Delivery::NonMaskable, apic.identity()).is_ok()
    }

    /// Lets it ring no more.
    fn stop(&mut self) {
        watchdog::stop_watching();
        if let (Some(line), Some(lines)) = (self.line, Lines::get()) {
            // One that is not there was not connected.
            let _ = lines.apics.lock().mask(line.gsi);
        }
        if let Alarm::Comparator(comparator) = &mut self.alarm {
            comparator.stop();
        }
    }
}

/// What a device writes to raise the non-maskable interrupt of the CPU with this APIC identity (Intel SDM volume 3, section
/// 10.11); `None` for a CPU that messages do not reach.
fn message_to(apic_id: u32) -> Option<Message> {
    let cpu = u8::try_from(apic_id).ok().filter(|it| *it < u8::MAX)?;
    // Bits 19 to 12 are the destination, by physical mode; in the data, bits 10 to 8 are the delivery mode.
    Some(Message { address: 0xfee0_0000 | u32::from(cpu) << 12, data: 0b100 << 8 })
}

/// Lets the watchdog, if there is one, ring in `wait` for what may run for `limit`; whether it will.
fn start(wait: Nanoseconds, limit: Nanoseconds, frequency: Hertz) -> bool {
    let mut watchdog = WATCHDOG.lock();
    let Some(watchdog) = watchdog.as_mut() else { return false };
    watchdog.frequency = frequency;
    let deadline = counter::now().0.saturating_add(limit.to_ticks(frequency).0);
    watchdog::watch(Ticks(deadline), limit);
    // The line first: an edge that comes before is lost.
    let is_set = watchdog.connect() && watchdog.start(wait);
    if !is_set {
        watchdog.stop();
    }
    is_set
}

/// Whether the watchdog rings by `line`.
pub(super) fn uses(line: Line) -> bool {
    WATCHDOG.lock().as_ref().and_then(|watchdog| watchdog.line).is_some_and(|own| own.gsi == line.gsi)
}

fn stop() {
    if let Some(watchdog) = WATCHDOG.lock().as_mut() {
        watchdog.stop();
    }
}

/// What the handler calls. It interrupts nobody who holds the lock, but for a disturbance while the watchdog is set: then it
/// is being set for longer.
fn ring_after(ticks: Ticks) {
    let Some(mut watchdog) = WATCHDOG.try_lock() else { return };
    let Some(watchdog) = watchdog.as_mut() else { return };
    if let Alarm::Comparator(_) = watchdog.alarm {
        let wait = Nanoseconds(ticks.to_picoseconds(watchdog.frequency) / 1_000);
        watchdog.start(wait);
    }
}
