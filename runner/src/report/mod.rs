//! Results for people and for scripts.

pub(crate) mod chart;
mod clean;
mod comparison;
mod csv;
mod document;
#[cfg(test)]
mod golden;
mod grid;
mod header;
mod headline;
mod html;
mod json;
mod listing;
mod markdown;
mod notes;
mod page;
mod quantity;
mod stop;
mod style;
mod table;
mod words;

pub use clean::clean;
pub use comparison::comparison;
pub use csv::csv;
pub use document::{BaselineError, DOCUMENT_FORMAT, Document, DocumentBench, DocumentBoot, DocumentCrash};
pub use html::html;
pub use json::to_json;
pub use listing::{ListEntry, entries, listing, run_lines};
pub use markdown::markdown;
pub use page::{PageOptions, SkippedDetail, page};
pub use style::{Palette, Style};
