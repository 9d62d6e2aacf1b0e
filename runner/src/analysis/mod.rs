//! What records mean: figures with units, limits, and comparisons.

mod compare;
mod exact;
mod figures;
mod fingerprint;
mod layout;
mod limits;
mod medians;
mod merged;
mod paired;
mod signed_rank;
mod units;

pub use compare::{Comparison, Likeness, Outcome, Side, SideBench, compare};
pub use exact::{Change, ChangeKind, ExactComparison};
pub use figures::{Figures, Rates};
pub use fingerprint::{Difference, Fingerprint};
pub use layout::{LayoutBench, Layouts, Sensitivity, layouts};
pub use limits::{Judgement, judge};
pub use medians::{MedianComparison, MedianPair};
pub use merged::{MergedBench, median, merge};
pub use paired::{Found, MISS, Paired, PairedBench, PairedVerdict, Ratio, Replicate, paired};
pub use signed_rank::{Shift, adjusted, shift};
pub(crate) use units::count;
pub use units::{Conversion, FigureUnit, nanoseconds};
