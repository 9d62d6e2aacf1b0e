//! Two builds of `multios-core` in one image: the workspace that links them, and its build. `docs/ab.md` tells how it is
//! used and what it can say.

mod build;
mod diagnosis;
mod error;
mod lock;
mod manifest;
mod revision;
mod workspace;

pub use build::{LAYOUTS, build, call};
pub use error::AbError;
pub use workspace::{Workspace, prepare};
