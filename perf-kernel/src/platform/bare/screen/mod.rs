//! Progress, summary and crash on the framebuffer, for machines without a serial line and for people beside them.

mod canvas;
mod dashboard;
mod figures;
mod grid;

#[cfg(feature = "kernel")]
pub(super) use canvas::{Canvas, ColourOrder, PixelLayout};
#[cfg(feature = "kernel")]
pub(super) use dashboard::{CrashView, Dashboard, MachineView};
