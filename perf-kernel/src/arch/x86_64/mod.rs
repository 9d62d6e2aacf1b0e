//! x86-64, 64-bit mode only.

pub mod counter;
pub mod cpuid;
pub mod entropy;

#[cfg(feature = "kernel")]
pub mod acpi_tables;
#[cfg(feature = "kernel")]
pub mod allocator;
#[cfg(any(feature = "kernel", test))]
pub mod apic;
#[cfg(any(feature = "kernel", test))]
mod arena;
#[cfg(any(feature = "kernel", test))]
pub mod backtrace;
#[cfg(feature = "kernel")]
pub mod bare_threads;
#[cfg(feature = "kernel")]
pub mod checked;
#[cfg(feature = "kernel")]
pub mod chill;
#[cfg(any(feature = "kernel", test))]
mod context;
#[cfg(feature = "kernel")]
mod deadline_timer;
#[cfg(feature = "kernel")]
mod descriptors;
#[cfg(feature = "kernel")]
pub mod device_interrupts;
#[cfg(feature = "kernel")]
mod dma;
#[cfg(feature = "kernel")]
pub mod ending;
#[cfg(feature = "kernel")]
pub mod entry;
#[cfg(feature = "kernel")]
pub mod exceptions;
#[cfg(all(feature = "kernel", feature = "fault-benches"))]
pub mod faults;
#[cfg(feature = "kernel")]
pub mod guarded_stacks;
#[cfg(feature = "kernel")]
mod high_registers;
#[cfg(feature = "kernel")]
mod interrupt_table;
#[cfg(any(feature = "kernel", test))]
pub mod io_apic;
#[cfg(feature = "kernel")]
mod kept_memory;
#[cfg(feature = "kernel")]
mod mmio;
#[cfg(feature = "kernel")]
pub mod msr;
#[cfg(feature = "kernel")]
mod non_maskable;
#[cfg(feature = "kernel")]
pub mod per_cpu;
#[cfg(feature = "kernel")]
mod performance;
#[cfg(feature = "kernel")]
mod physical;
#[cfg(feature = "kernel")]
mod pic;
#[cfg(feature = "kernel")]
mod port;
#[cfg(any(feature = "kernel", test))]
mod preemption;
#[cfg(feature = "kernel")]
mod privilege;
#[cfg(feature = "kernel")]
mod processor;
#[cfg(feature = "kernel")]
pub mod recovery;
#[cfg(feature = "kernel")]
pub mod reset;
#[cfg(feature = "kernel")]
mod shootdown;
#[cfg(any(feature = "kernel", test))]
mod signal_frame;
#[cfg(feature = "kernel")]
pub mod signals;
#[cfg(feature = "kernel")]
mod stacks;
#[cfg(feature = "kernel")]
pub mod standby;
#[cfg(feature = "kernel")]
pub mod startup;
#[cfg(feature = "kernel")]
mod steal;
#[cfg(feature = "kernel")]
mod task_state;
#[cfg(any(feature = "kernel", test))]
mod thread_hand_over;
#[cfg(any(feature = "kernel", test))]
mod thread_hardware;
#[cfg(any(feature = "kernel", test))]
pub mod thread_system;
#[cfg(test)]
mod thread_system_tests;
#[cfg(feature = "kernel")]
mod trampoline;
#[cfg(feature = "kernel")]
mod trap;
#[cfg(any(feature = "kernel", test))]
pub mod uart_backend;
#[cfg(feature = "kernel")]
pub mod user;
#[cfg(any(feature = "kernel", test))]
mod vector_state;
#[cfg(feature = "kernel")]
mod virtio_queue;
#[cfg(feature = "kernel")]
pub mod watchdog;
#[cfg(feature = "kernel")]
pub mod work;

#[cfg(feature = "kernel")]
pub(crate) use dma::FrameMemory;
#[cfg(feature = "kernel")]
pub(crate) use virtio_queue::RequestQueue;
#[cfg(feature = "kernel")]
pub use {
    kept_memory::KeptMemory,
    mmio::Mmio,
    performance::PerformanceRegisters,
    physical::PhysicalMemory,
    port::Ports,
    privilege::Ring0,
    processor::{frame_pointer, halt, interrupts_off, keep_interrupts_out, restore_interrupts},
    steal::StealTime,
};
