//! The run plan: what one boot is asked to do.

mod text;
mod types;

pub use text::{PLAN_FILE_BYTES, PlanError, pad, parse, trim};
pub use types::{BENCH_S_MAX_DEFAULT, Baud, ColdChoice, Plan, Preset, ScaleChoice, UartChoice};
