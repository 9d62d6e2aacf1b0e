//! Results for people and for scripts.

mod annotations;
mod bencher;
mod case;
pub(crate) mod chart;
mod clean;
mod comparison;
mod concern;
mod course;
mod csv;
mod document;
mod findings;
mod format;
#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
mod golden_formats;
mod grid;
mod header;
mod headline;
mod html;
mod json;
mod junit;
mod ktap;
mod listing;
mod markdown;
mod notes;
mod openmetrics;
mod page;
pub(crate) mod quantity;
mod rule;
mod sarif;
mod scaling;
mod stop;
mod style;
mod table;
mod table_place;
mod words;

pub use annotations::annotations;
pub use bencher::bencher;
pub use clean::clean;
pub use comparison::comparison;
pub use course::{course, course_lines};
pub use csv::csv;
pub use document::{BaselineError, DOCUMENT_FORMAT, Document, DocumentBench, DocumentBoot, DocumentCrash};
pub use findings::finding_lines;
pub use format::ReportFormat;
pub use html::html;
pub use json::to_json;
pub use junit::junit;
pub use ktap::ktap;
pub use listing::{ListEntry, entries, listing, run_lines};
pub use markdown::markdown;
pub use openmetrics::openmetrics;
pub use page::{PageOptions, SkippedDetail, page};
pub use sarif::sarif;
pub use style::{Palette, Style};
