//! Results for people and for scripts.

mod annotations;
mod baselines;
mod clean;
mod comparison;
mod concern;
mod csv;
mod document;
mod gate;
#[cfg(test)]
mod golden;
mod grid;
mod header;
mod json;
mod listing;
mod notes;
mod page;
mod quantity;
mod stop;
mod style;
mod table;
mod table_place;

pub use annotations::annotations;
pub use baselines::{baseline_figures, baseline_lines, creep_lines};
pub use clean::clean;
pub use comparison::comparison;
pub use csv::csv;
pub use document::{BaselineError, DOCUMENT_FORMAT, Document, DocumentBench, DocumentBoot, DocumentCrash};
pub use gate::{BootAgain, Gate};
pub use json::to_json;
pub use listing::{ListEntry, entries, listing, run_lines};
pub use page::{PageOptions, SkippedDetail, page};
pub use style::{Palette, Style};
