//! User mode: programs in ring 3, each in an address space of its own.

mod area;
mod calls;
mod entry;
mod kernel_half;
mod machine;
mod messages;
mod owner;
mod process;
mod program_page;
mod programs;
mod protection;
mod shared_page;
mod signal_entry;
mod signals;
mod tables;
pub(super) mod translations;
mod traps;

pub(super) use area::UserArea;
pub(super) use protection::{entered_from, install_on_cpu, leave, leave_on_cpu};
pub(super) use signals::before_user_mode;
pub(super) use translations::uses_kernel_tables;
pub(super) use traps::handle;

pub use machine::UserMachine;
pub use owner::Owner;
pub use protection::install;
