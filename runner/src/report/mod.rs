//! Results for people and for scripts.

mod annotations;
mod bencher;
mod case;
mod clean;
mod comparison;
mod concern;
mod csv;
mod document;
mod format;
#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
mod golden_formats;
mod grid;
mod header;
mod json;
mod junit;
mod ktap;
mod listing;
mod notes;
mod openmetrics;
mod page;
pub(crate) mod quantity;
mod rule;
mod sarif;
mod stop;
mod style;
mod table;
mod table_place;

pub use annotations::annotations;
pub use bencher::bencher;
pub use clean::clean;
pub use comparison::comparison;
pub use csv::csv;
pub use document::{BaselineError, DOCUMENT_FORMAT, Document, DocumentBench, DocumentBoot, DocumentCrash};
pub use format::ReportFormat;
pub use json::to_json;
pub use junit::junit;
pub use ktap::ktap;
pub use listing::{ListEntry, entries, listing, run_lines};
pub use openmetrics::openmetrics;
pub use page::{PageOptions, SkippedDetail, page};
pub use sarif::sarif;
pub use style::{Palette, Style};
