//! Results for people and for scripts.

mod clean;
mod comparison;
mod csv;
mod document;
#[cfg(test)]
mod golden;
mod grid;
mod header;
mod json;
mod layout;
mod listing;
mod notes;
mod page;
mod paired;
mod quantity;
mod stop;
mod style;
mod table;

pub use clean::clean;
pub use comparison::comparison;
pub use csv::csv;
pub use document::{BaselineError, DOCUMENT_FORMAT, Document, DocumentBench, DocumentBoot, DocumentCrash};
pub use json::to_json;
pub use layout::layout_page;
pub use listing::{ListEntry, entries, listing, run_lines};
pub use page::{PageOptions, SkippedDetail, page};
pub use paired::{paired_json, paired_page};
pub use style::{Palette, Style};
