//! Narrowing down which revision a finding begins with, where boots are noisy.

mod likelihood;
mod repository;
mod search;
mod worktree;

pub use likelihood::{Levels, posterior};
pub use repository::{Repository, RepositoryError};
pub use search::{Candidate, PROBABILITY_ENOUGH, Search};
pub use worktree::Worktree;
