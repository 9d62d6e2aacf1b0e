//! Timers that interrupt a CPU whether it takes interrupts or not, as their lines are those of non-maskable ones.

mod comparator;
mod interval;

pub(super) use comparator::{Comparator, Message, Way};
pub(super) use interval::IntervalAlarm;
