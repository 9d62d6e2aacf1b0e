//! How a kernel says that it cannot go on.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::units::Ticks;

/// An exception, a panic or an overrun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// `panic`, `overran its deadline`, or the exception's mnemonic, as in `#PF`.
    pub cause: String,
    /// The panic's message and place, what the error code says, or where the CPUs were.
    pub message: String,
    /// The bench that ran, with its scale; `None` outside benches.
    pub bench: Option<String>,
    /// The CPU that stopped.
    pub cpu: u32,
    /// The registers at the exception; `None` for a panic.
    pub registers: Option<Registers>,
    /// Return addresses from the innermost frame outward.
    pub backtrace: Vec<u64>,
    /// Where the image lies: subtract it from an address for the address in the kernel's ELF file.
    pub image_base: u64,
    /// The counter when it happened; `None` from kernels that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticks: Option<Ticks>,
}

/// The registers at an exception (Intel SDM volume 3, section 6.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "registers are named as in the manual")]
pub struct Registers {
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
    pub error_code: u64,
    pub cr2: u64,
    pub cr3: u64,
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub rbp: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
}
