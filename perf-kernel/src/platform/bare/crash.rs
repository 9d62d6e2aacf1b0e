//! The report of a crash: made once, with what can still be relied on.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt::Write;
use core::ops::Range;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU64, Ordering};

use spin::Once;

use super::boot::{SCREEN, Screen, WIRE, Wire};
use super::explain::{explain, explain_overrun, mnemonic};
use super::kept;
use super::screen::CrashView;
use super::tables::UartPlace;
use super::uart::{Registers, Sources, find};
use crate::arch::backtrace::Backtrace;
use crate::arch::ending::{Ending, Seizable, end};
use crate::arch::exceptions::{self, Fault};
use crate::arch::recovery::{self, Cause, Facts};
use crate::arch::uart_backend::UartRegisters;
use crate::arch::{
    Mmio, PhysicalMemory, Ports, checked, counter, entry, frame_pointer, halt, per_cpu, standby,
};
use crate::plan::{self, Plan, UartChoice};
use crate::run::{Identity, greet};
use crate::units::{Hertz, Nanoseconds};
use crate::wire::{Crash, EndReason, Record, Registers as CpuRegisters, Sender};

/// Longest name of a bench that is kept.
const NAME_BYTES: usize = 96;
/// What the counter is taken to run at before it is calibrated: fast, so that waits are rather too long.
const FREQUENCY_GUESS: Hertz = Hertz(4_000_000_000);
/// Status reads until the line has taken a byte of the last words.
const LAST_WORDS_STATUS_READS: u32 = 100_000;

static MEANS: Once<Means> = Once::new();
static LINE: Once<UartPlace> = Once::new();
static RUNNING: Seizable<Name> = Seizable::new(Name { bytes: [0; NAME_BYTES], length: 0 });
static FREQUENCY: AtomicU64 = AtomicU64::new(0);

/// What a report is made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    /// Where serial ports are.
    pub(super) ports: Ports,
    /// Where others are.
    pub(super) memory: PhysicalMemory,
    /// Where the image lies.
    pub(super) image_base: u64,
    /// The plan as it came.
    pub(super) plan_file: &'static [u8],
}

impl Means {
    /// The registers of a UART at `place`.
    pub(super) fn reach(&self, place: UartPlace) -> Option<Registers<Ports, Mmio>> {
        match place {
            UartPlace::Port(port) => Some(Registers::Ports(self.ports, port)),
            UartPlace::Memory { address, stride } => {
                let registers = self.memory.registers(address, usize::from(stride) * 8)?;
                Some(Registers::Memory(registers, stride))
            }
        }
    }
}

struct Name {
    bytes: [u8; NAME_BYTES],
    length: usize,
}

impl Name {
    fn text(&self) -> Option<String> {
        let bytes = self.bytes.get(..self.length).filter(|bytes| !bytes.is_empty())?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Says what a report can be made with.
pub(super) fn prepare(means: Means) {
    MEANS.call_once(|| means);
}

/// Says where the line to the host is.
pub(super) fn set_line(place: UartPlace) {
    LINE.call_once(|| place);
}

/// Says how fast the counter runs.
pub(super) fn set_frequency(frequency: Hertz) {
    FREQUENCY.store(frequency.0, Ordering::Relaxed);
}

/// Says which bench runs.
pub(super) fn set_running_bench(id: Option<&str>) {
    let id = id.unwrap_or_default().as_bytes();
    let length = id.len().min(NAME_BYTES);
    let mut name = RUNNING.lock();
    name.bytes[..length].copy_from_slice(&id[..length]);
    name.length = length;
}

/// Reports an exception and stops for good.
pub(super) fn on_fault(fault: &Fault) -> ! {
    let cause = name(fault.cause);
    let rip = fault.registers.rip;
    let report = |ending: &Ending| {
        let message = words(fault.cause, &fault.registers, &fault.stack);
        report(ending, cause, message, Some(fault.registers), fault.backtrace.addresses())
    };
    end(report, |ending| {
        last_words(ending, format_args!("{cause} at {rip:#x} while a crash was reported"));
    })
}

/// Ends the bench that runs, or else reports a panic and stops for good.
pub fn on_panic(info: &PanicInfo<'_>) -> ! {
    let frame_pointer = frame_pointer();
    let stack = exceptions::stack_at(frame_pointer).unwrap_or_default();
    let backtrace = Backtrace::walk(frame_pointer, &stack, checked::load);
    match info.location() {
        Some(place) => {
            recovery::divert_panic(format_args!("{} at {place}", info.message()), backtrace.clone(), stack);
        }
        None => recovery::divert_panic(format_args!("{}", info.message()), backtrace.clone(), stack),
    }
    let report = |ending: &Ending| {
        let place = info.location().map_or_else(String::new, |place| alloc::format!(" at {place}"));
        let message = on_one_line(&alloc::format!("{}{place}", info.message()));
        report(ending, "panic", message, None, backtrace.addresses())
    };
    end(report, |ending| last_words(ending, format_args!("panic while a crash was reported: {info}")))
}

/// The crash that `facts` tell of, in the bench that ran.
pub(super) fn of_bench(facts: &Facts) -> Crash {
    let registers = facts.registers.unwrap_or_default();
    let mut message = match facts.cause {
        Cause::Panic => on_one_line(facts.message.as_str()),
        cause => words(cause, &registers, &facts.stack),
    };
    if let Cause::Overrun(_) = facts.cause {
        for (cpu, rip) in standby::stopped_at_work() {
            message.push_str(&alloc::format!("; CPU {cpu} was at {rip:#x}"));
        }
    }
    Crash {
        cause: name(facts.cause).to_string(),
        message,
        bench: RUNNING.lock().text(),
        cpu: facts.cpu,
        registers: facts.registers,
        backtrace: facts.backtrace.addresses().to_vec(),
        image_base: MEANS.get().map_or(0, |means| means.image_base),
        ticks: Some(facts.at),
    }
}

/// What a record calls `cause`.
const fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::Exception(vector) => mnemonic(vector),
        Cause::Panic => "panic",
        Cause::Overrun(_) => "overran its deadline",
    }
}

/// What happened, for a cause that leaves registers.
fn words(cause: Cause, registers: &CpuRegisters, stack: &Range<u64>) -> String {
    match cause {
        Cause::Exception(vector) => explain(vector, registers, stack),
        Cause::Panic => String::new(),
        Cause::Overrun(limit) => explain_overrun(limit, registers),
    }
}

/// The messages of assertions have several lines.
fn on_one_line(text: &str) -> String {
    text.replace('\n', ", ")
}

fn report(
    ending: &Ending,
    cause: &str,
    message: String,
    registers: Option<CpuRegisters>,
    backtrace: &[u64],
) -> Infallible {
    let Some(means) = MEANS.get() else { halt() };
    let plan = plan::parse(means.plan_file).unwrap_or_else(|_| Plan::quick());
    let crash = Crash {
        cause: cause.to_string(),
        message,
        bench: RUNNING.seize(ending).text(),
        cpu: per_cpu::index(),
        registers,
        backtrace: backtrace.to_vec(),
        image_base: means.image_base,
        ticks: Some(counter::now()),
    };
    // Before anything else, which may fail.
    let resets = kept::note_crash(ending, &crash);
    let mut wire = WIRE.seize(ending);
    let sender = wire.get_or_insert_with(|| late_sender(means, &plan));
    // The frames are kept if the line does not take them.
    let _ = sender.send(Record::Crash(Box::new(crash.clone())));
    let _ = sender.end(if resets { EndReason::Resets } else { EndReason::Crashed });
    show(ending, &crash);
    let begin = counter::now();
    let patience = Nanoseconds::from_milliseconds(plan.linger_ms).to_ticks(frequency());
    sender.linger(|| counter::now().since(begin) >= patience);
    if resets {
        kept::reset(ending, frequency());
    }
    kept::forget(Some(ending));
    super::boot::leave(means.ports, &plan, EndReason::Crashed)
}

fn frequency() -> Hertz {
    match FREQUENCY.load(Ordering::Relaxed) {
        0 => FREQUENCY_GUESS,
        frequency => Hertz(frequency),
    }
}

/// A sender for a crash before there was one: it says hello first.
fn late_sender(means: &Means, plan: &Plan) -> Wire {
    let choice = LINE.get().map_or(plan.uart, |place| match place {
        UartPlace::Port(port) => UartChoice::Port(*port),
        UartPlace::Memory { .. } => UartChoice::Auto,
    });
    let found = find(choice, plan.baud, Sources::default(), Vec::new, |place| means.reach(place));
    let mut sender = Sender::new(super::boot::link(found.map(|found| found.link)));
    let identity = Identity {
        image_hash: String::new(),
        plan_file: means.plan_file.to_vec(),
        entry_ticks: counter::now().since(entry::ticks()),
        resumes: None,
    };
    // A plan that cannot be run is refused on the wire as well.
    let _ = greet(&mut sender, &identity);
    sender
}

fn show(ending: &Ending, crash: &Crash) {
    let mut screen = SCREEN.seize(ending);
    let Some(dashboard) = Screen::dashboard(&mut screen) else { return };
    dashboard.show_crash(&CrashView {
        cause: &crash.cause,
        message: &crash.message,
        bench: crash.bench.as_deref(),
        instruction: crash.registers.map(|registers| registers.rip),
        backtrace: &crash.backtrace,
        image_base: crash.image_base,
    });
}

/// Plain text for whoever reads the line, without the heap. Then the machine is reset, if that is of use.
fn last_words(ending: &Ending, text: core::fmt::Arguments<'_>) {
    write_line(text);
    kept::reset_in_trouble(ending, frequency());
}

fn write_line(text: core::fmt::Arguments<'_>) {
    let Some(means) = MEANS.get() else { return };
    let place = LINE.get().copied().unwrap_or(UartPlace::Port(0x3f8));
    let Some(registers) = means.reach(place) else { return };
    let mut line = Line(registers);
    // A line that does not take them ends them.
    let _ = write!(line, "\r\nperf-kernel: {text}\r\n");
}

struct Line(Registers<Ports, Mmio>);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        const DATA: u8 = 0;
        const LINE_STATUS: u8 = 5;
        const TRANSMITTER_READY: u8 = 1 << 5;
        for byte in text.bytes() {
            let is_ready = |_| self.0.read(LINE_STATUS) & TRANSMITTER_READY != 0;
            if !(0..LAST_WORDS_STATUS_READS).any(is_ready) {
                return Err(core::fmt::Error);
            }
            self.0.write(DATA, byte);
        }
        Ok(())
    }
}
