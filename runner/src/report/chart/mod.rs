//! Charts as plain SVG: no library in the page, no colours of their own (the style sheet has them), and the same bytes
//! for the same figures, as coordinates are rounded to a tenth.

mod axis;
mod distribution;
mod frame;
mod growth;
mod history;
mod interval;
mod label;
mod number;
mod percentiles;
mod sparkline;
mod thinning;
mod weights;

pub(crate) use distribution::{Distribution, distribution};
pub(crate) use frame::Words;
pub(crate) use growth::growth;
pub(crate) use history::history;
pub(crate) use interval::{IntervalScale, interval};
pub(crate) use label::unit_named;
pub(crate) use percentiles::percentiles;
pub(crate) use sparkline::sparkline;
pub(crate) use weights::Weights;
