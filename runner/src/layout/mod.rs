//! One program linked at several layouts: its functions lie in another order, and all else is the same.

mod build;
mod error;
mod symbols;

pub use build::{LAYOUTS, build, program};
pub use error::LayoutError;
pub use symbols::require_different;
