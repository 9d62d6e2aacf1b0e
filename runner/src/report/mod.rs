//! Results for people and for scripts.

mod audit;
mod bisect;
mod clean;
mod comparison;
mod course;
mod csv;
mod document;
mod findings;
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

pub use audit::audit_text;
pub use bisect::search_text;
pub use clean::clean;
pub use comparison::comparison;
pub use course::{course, course_lines};
pub use csv::csv;
pub use document::{BaselineError, DOCUMENT_FORMAT, Document, DocumentBench, DocumentBoot, DocumentCrash};
pub use findings::finding_lines;
pub use json::to_json;
pub use listing::{ListEntry, entries, listing, run_lines};
pub use page::{PageOptions, SkippedDetail, page};
pub use style::{Palette, Style};
