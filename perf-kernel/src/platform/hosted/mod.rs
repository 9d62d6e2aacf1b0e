//! A Linux process: the same suites beside other programs, on a clock that the kernel of the system has calibrated.

mod clocks;
mod link;
mod machine;
mod procfs;
mod program;
mod threads;

pub use link::StdioLink;
pub use machine::HostedPlatform;
pub use program::{ExitCode, run};
pub use threads::ProcessRunner;
