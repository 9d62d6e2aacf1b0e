//! A boot on bare metal, from the loader's hand-over to the last halt.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bootloader_api::info::{BootInfo, FrameBuffer, PixelFormat};
use multios_core::memory::Frames;
use xxhash_rust::xxh3::Xxh3;

use super::buses::Buses;
use super::crash::{self, Means};
use super::kept::{self, Before};
use super::machine::{BarePlatform, Parts};
use super::memory;
use super::restart::ResetMeans;
use super::screen::{Canvas, ColourOrder, Dashboard, MachineView, PixelLayout};
use super::tables::reset_register;
use super::uart::{Found, Registers, Sources, UartLink, find};
use crate::arch::acpi_tables::Tables;
use crate::arch::allocator::KernelAllocator;
use crate::arch::ending::Seizable;
use crate::arch::exceptions::{self, Handler};
use crate::arch::{
    KeptMemory, Mmio, PerformanceRegisters, PhysicalMemory, Ports, Ring0, counter, entry, halt, user,
};
use crate::plan::{self, Plan, Preset};
use crate::platform::Platform;
use crate::run::{self, Identity, Note, Progress, Subjects};
use crate::units::Bytes;
use crate::wire::{BenchRecord, Console, EndReason, Level, Link, Machine, NoLink, Sender, Start};

/// What records go through, whatever the line is.
pub(super) type Wire = Sender<Box<dyn Link + Send>>;

/// The wire, once there is one.
pub(super) static WIRE: Seizable<Option<Wire>> = Seizable::new(None);
/// The screen, if there is one.
pub(super) static SCREEN: Seizable<Screen> = Seizable::new(Screen::Absent);

/// What the loader hands over.
pub struct HandOver {
    /// The right to the machine.
    pub ring0: Ring0,
    /// The loader's description of it.
    pub boot_info: &'static BootInfo,
    /// The framebuffer, if there is one.
    pub framebuffer: Option<FrameBuffer>,
    /// All memory.
    pub memory: PhysicalMemory,
    /// The plan as it lies in the image.
    pub plan_file: &'static [u8],
    /// The allocator, which has no memory yet.
    pub allocator: &'static KernelAllocator,
    /// What is measured.
    pub subjects: Subjects<'static>,
}

/// Boots: takes the machine over, runs the plan, and stays on the summary or leaves through the plan's port.
///
/// # Panics
/// Panics, which is reported, if there is no memory for a heap.
pub fn start(hand_over: HandOver) -> ! {
    let HandOver { ring0, boot_info, framebuffer, memory, plan_file, allocator, subjects } = hand_over;
    // The loader maps initialised data where the file lies: the first write to it would change what is hashed.
    let image_hash = image_hash(&memory, boot_info.kernel_addr, boot_info.kernel_len);
    let ports = Ports::new(ring0);
    let image_base = boot_info.kernel_image_offset;
    crash::prepare(Means { ports, memory, image_base, plan_file });
    let stack = boot_info.kernel_stack_bottom;
    let stack = stack..stack.saturating_add(boot_info.kernel_stack_len);
    exceptions::install(ring0, Handler { report: crash::on_fault, stack });
    user::install(ring0, &memory);
    let heap = memory::heap_range(memory.usable()).expect("the machine has memory for a heap of 16 MiB");
    let kernel_heap =
        memory::kernel_heap_range(memory.usable(), &heap).expect("and for the kernel's own heap");
    let (kept, rest) = memory::kept_range(&kernel_heap).unzip();
    let rest = rest.as_ref().unwrap_or(&kernel_heap);
    allocator.claim(&memory, rest, &heap).expect("the heaps are claimed once");
    let kept = kept.and_then(|range| KeptMemory::claim(&memory, &range));
    *SCREEN.lock() = framebuffer.and_then(canvas).map_or(Screen::Absent, Screen::Waiting);
    let tables = boot_info.rsdp_addr.into_option().and_then(|rsdp| Tables::open(ring0, memory, rsdp));
    let mut wire = WIRE.lock();
    let (sender, console) = open_wire(&mut wire, ports, &memory, plan_file, tables.as_ref());
    let image_hash = image_hash.map_or_else(String::new, |hash| format!("{hash:032x}"));
    let before = look_back(kept, ports, &image_hash, plan_file);
    let identity = Identity {
        image_hash,
        plan_file: plan_file.to_vec(),
        entry_ticks: counter::now().since(entry::ticks()),
        resumes: before.resumes(),
    };
    let greeting = run::greet(sender, &identity);
    let fadt = tables.as_ref().and_then(|tables| tables.find(*b"FACP"));
    let means = ResetMeans { ring0, memory, register: fadt.as_deref().and_then(reset_register) };
    let (resumed, results) = keep(sender, greeting.as_ref().ok(), before, means);
    let frames = memory::frame_ranges(memory.usable(), &heap, &kernel_heap).collect::<Vec<_>>();
    let frames = Frames::new(&frames).expect("the heap holds the tables of the frames");
    let registers = PerformanceRegisters::new(ring0);
    let parts = Parts { ring0, memory, ports, registers, allocator, frames, tables, console };
    let platform = BarePlatform::new(parts);
    if greeting.is_ok() {
        for (level, text) in platform.start_processors(ring0) {
            let _ = sender.log(level, text);
        }
        if let Some((level, text)) = platform.take_over_lines() {
            let _ = sender.log(level, text);
        }
        let (level, text) = platform.start_watchdog();
        let _ = sender.log(level, text);
        for text in platform.describe_devices() {
            let _ = sender.log(Level::Info, text);
        }
        platform.map_registers();
    }
    let machine = platform.describe_machine();
    let (plan, reason) = match greeting {
        Ok(plan) => {
            show_machine(&machine, plan_name(&plan));
            let mut progress = KeptProgress { platform: &platform, results };
            let reason = run::resume(&platform, sender, &plan, subjects, &mut progress, resumed.as_ref());
            (plan, reason)
        }
        Err(error) => {
            show_machine(&machine, "no plan");
            let mut screen = SCREEN.lock();
            if let Some(dashboard) = screen.dashboard() {
                dashboard.show_refusal(&format!("failed to {error}"));
            }
            (Plan::quick(), EndReason::Refused)
        }
    };
    linger(&platform, sender, &plan);
    leave(ports, &plan, reason)
}

/// What the start before this one has left in `memory`, if that was of the same image and plan.
fn look_back(memory: Option<KeptMemory>, ports: Ports, image_hash: &str, plan_file: &[u8]) -> Before {
    let plan_hash = run::fingerprint(plan::trim(plan_file));
    Before::look(memory, ports, image_hash.to_string(), plan_hash)
}

/// Keeps what a start after a reset needs, if there is a plan; the note and the results of the starts before.
fn keep(
    sender: &mut Wire,
    plan: Option<&Plan>,
    before: Before,
    means: ResetMeans,
) -> (Option<Note>, Vec<BenchRecord>) {
    let Some(plan) = plan else { return (None, Vec::new()) };
    let (note, results, line) = before.keep(plan, means);
    if let Some(line) = line {
        let _ = sender.log(Level::Warning, line);
    }
    (note, results)
}

/// Leaves through the plan's port, where QEMU ends with an odd status; else stays on what the screen shows.
pub(super) fn leave(ports: Ports, plan: &Plan, reason: EndReason) -> ! {
    /// What goes to `isa-debug-exit`: QEMU ends with twice the value and one.
    const EXIT_DONE: u32 = 0x10;
    const EXIT_OTHERWISE: u32 = 0x11;
    if let Some(port) = plan.exit_port {
        ports.write_u32(port, if reason == EndReason::Done { EXIT_DONE } else { EXIT_OTHERWISE });
    }
    halt()
}

/// The link of a line that was found, or of none.
pub(super) fn link(uart: Option<UartLink<Registers<Ports, Mmio>>>) -> Box<dyn Link + Send> {
    uart.map_or_else(|| Box::new(NoLink) as Box<dyn Link + Send>, |uart| Box::new(uart))
}

/// Serves the host, if there is one. The clock is not calibrated if the plan was refused.
fn linger(platform: &BarePlatform, sender: &mut Wire, plan: &Plan) {
    if platform.frequency().0 == 0 {
        let _ = crate::measure::calibrate(platform, crate::measure::CounterKind::detect());
    }
    run::linger(platform, sender, plan, |_| false);
}

fn open_wire<'a>(
    wire: &'a mut Option<Wire>,
    ports: Ports,
    memory: &PhysicalMemory,
    plan_file: &'static [u8],
    tables: Option<&Tables>,
) -> (&'a mut Wire, Console) {
    // A plan that cannot be run is refused on the line that a plan without wishes would use.
    let plan = plan::parse(plan_file).unwrap_or_else(|_| Plan::quick());
    let spcr = tables.and_then(|tables| tables.find(*b"SPCR"));
    let dbg2 = tables.and_then(|tables| tables.find(*b"DBG2"));
    let sources = Sources { spcr: spcr.as_deref(), dbg2: dbg2.as_deref() };
    let means = Means { ports, memory: *memory, image_base: 0, plan_file };
    let pci_ports = || Buses::get(ports, memory, tables).serial_ports();
    let found = find(plan.uart, plan.baud, sources, pci_ports, |place| means.reach(place));
    if let Some(found) = &found {
        crash::set_line(found.place);
    }
    let console = describe_console(found.as_ref());
    (wire.insert(Sender::new(link(found.map(|found| found.link)))), console)
}

fn describe_console(found: Option<&Found<Registers<Ports, Mmio>>>) -> Console {
    match found {
        Some(found) => Console { kind: "uart".to_string(), place: found.describe() },
        None => Console { kind: "framebuffer".to_string(), place: "no working UART was found".to_string() },
    }
}

/// XXH3-128 of the kernel file, which the loader leaves in memory.
fn image_hash(memory: &PhysicalMemory, address: u64, length: u64) -> Option<u128> {
    const PIECE_BYTES: usize = 4096;
    let mut hash = Xxh3::new();
    let mut piece = [0; PIECE_BYTES];
    let mut at = 0;
    while at < length {
        let bytes = usize::try_from(length - at).map_or(PIECE_BYTES, |rest| rest.min(PIECE_BYTES));
        memory.read(address.saturating_add(at), &mut piece[..bytes])?;
        hash.update(&piece[..bytes]);
        at += PIECE_BYTES as u64;
    }
    Some(hash.digest128())
}

fn plan_name(plan: &Plan) -> &'static str {
    match plan.preset {
        Preset::Quick => "plan quick",
        Preset::Standard => "plan standard",
        Preset::Full => "plan full",
    }
}

fn show_machine(machine: &Machine, plan: &str) {
    let mut screen = SCREEN.lock();
    let Some(dashboard) = screen.dashboard() else { return };
    let brand = if machine.cpu.brand.is_empty() { &machine.cpu.vendor } else { &machine.cpu.brand };
    let cpus = if machine.cpus_present == 1 { "CPU" } else { "CPUs" };
    let Machine { cpus_present, memory, firmware, console, .. } = machine;
    let mebibytes = Bytes::from_mebibytes(memory.0 >> 20);
    let hypervisor = machine.hypervisor.as_ref().map_or_else(String::new, |name| format!(" | in {name}"));
    let machine = format!("{brand} | {cpus_present} {cpus} | {mebibytes} | {}{hypervisor}", firmware.kind);
    dashboard.show_machine(&MachineView { machine, plan: format!("{plan} | {}", console.place) });
}

/// The framebuffer's state.
pub(super) enum Screen {
    /// There is none.
    Absent,
    /// Nothing is drawn yet.
    Waiting(Canvas<&'static mut [u8]>),
    /// In use.
    Shown(Dashboard<&'static mut [u8]>),
}

impl Screen {
    /// What is drawn on, if there is a screen. The first call draws the title.
    pub(super) fn dashboard(&mut self) -> Option<&mut Dashboard<&'static mut [u8]>> {
        *self = match core::mem::replace(self, Self::Absent) {
            Self::Waiting(canvas) => Self::Shown(Dashboard::new(canvas)),
            other => other,
        };
        match self {
            Self::Shown(dashboard) => Some(dashboard),
            _ => None,
        }
    }
}

fn canvas(framebuffer: FrameBuffer) -> Option<Canvas<&'static mut [u8]>> {
    let info = framebuffer.info();
    let place = |bit: u8| usize::from(bit / 8);
    let order = match info.pixel_format {
        PixelFormat::Rgb => ColourOrder::Bytes([0, 1, 2]),
        PixelFormat::Bgr => ColourOrder::Bytes([2, 1, 0]),
        PixelFormat::U8 => ColourOrder::Grey,
        PixelFormat::Unknown { red_position, green_position, blue_position } => {
            ColourOrder::Bytes([place(red_position), place(green_position), place(blue_position)])
        }
        _ => return None,
    };
    let layout = PixelLayout {
        width: info.width,
        height: info.height,
        stride: info.stride,
        pixel_bytes: info.bytes_per_pixel,
        order,
    };
    Canvas::new(framebuffer.into_buffer(), layout)
}

/// Shows progress on the screen, and keeps it for a start after a reset.
struct KeptProgress<'a> {
    platform: &'a BarePlatform,
    /// Results of the starts before this one, which are not on the screen yet.
    results: Vec<BenchRecord>,
}

impl KeptProgress<'_> {
    fn show(&self, record: &BenchRecord) {
        if let Some(dashboard) = SCREEN.lock().dashboard() {
            dashboard.add_result(record, self.platform.mode(), self.platform.frequency());
        }
    }
}

impl Progress for KeptProgress<'_> {
    fn began(&mut self, probes: &[(&'static str, u64)]) {
        kept::note_begin(probes);
        for record in core::mem::take(&mut self.results) {
            self.show(&record);
        }
    }

    fn started(&mut self, start: &Start) {
        kept::note_start(start);
        if let Some(dashboard) = SCREEN.lock().dashboard() {
            dashboard.show_start(start);
        }
    }

    fn finished(&mut self, record: &BenchRecord) {
        kept::keep_result(record);
        self.show(record);
    }

    fn told(&mut self) {
        kept::note_told();
    }

    fn ended(&mut self, reason: EndReason) {
        kept::forget(None);
        if let Some(dashboard) = SCREEN.lock().dashboard() {
            dashboard.show_end(reason);
        }
    }
}
