//! Results for people and for scripts.

mod clean;
mod comparison;
mod comparison_document;
mod comparison_exact;
mod csv;
mod document;
#[cfg(test)]
mod golden;
mod grid;
mod header;
mod json;
mod listing;
mod notes;
mod page;
mod quantity;
mod split_table;
mod stop;
mod style;
mod table;

pub use clean::clean;
pub use comparison::comparison;
pub use comparison_document::comparisons_json;
pub use csv::csv;
pub use document::{BaselineError, DOCUMENT_FORMAT, Document, DocumentBench, DocumentBoot, DocumentCrash};
pub use json::to_json;
pub use listing::{ListEntry, entries, listing, run_lines};
pub use page::{PageOptions, SkippedDetail, page};
pub use split_table::split_table;
pub use style::{Palette, Style};
