//! What a boot runs on: bare metal, a Linux process, or a script for tests.

mod apart;
#[cfg(any(feature = "kernel", test))]
pub mod bare;
#[cfg(feature = "hosted")]
pub mod hosted;
mod interface;
#[cfg(test)]
pub(crate) mod scripted;
mod threads;
mod user_mode;

pub use apart::{Apart, Offence};
pub use interface::{
    Chiller, Disturbances, EventCounters, InterferenceCounters, Interrupts, Platform, ReferenceClock,
    SystemCounters,
};
pub use threads::{OnThreads, Runner, on_threads};
pub use user_mode::{
    CopyError, Ending, KernelHalf, PROGRAM_CODE, PROGRAM_DATA, PROGRAM_NOTES, Part, Program, ProgramHandler,
    SharedPage, Together, UserFault, UserMode, UserProcess,
};
