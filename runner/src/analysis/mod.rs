//! What records mean: figures with units, limits, and comparisons.

mod catalogue;
mod compare;
mod exact;
mod figures;
mod fingerprint;
mod growth;
mod limits;
mod medians;
mod merged;
mod recommend;
mod score;
mod student;
mod trend;
mod units;
mod verdict;

pub(crate) use catalogue::catalogue;
pub use compare::{Comparison, Likeness, Outcome, Settings, Side, SideBench, compare, compare_with};
pub use exact::{ExactChange, ExactChangeKind, ExactComparison};
pub use figures::{Figures, Rates};
pub use fingerprint::{Difference, Fingerprint};
pub use growth::{Growth, GrowthChange, GrowthClass, ScaleCost, change_of_class, growth_of};
pub use limits::{Judgement, judge};
pub use medians::{MedianComparison, MedianPair};
pub use merged::{MergedBench, median, merge};
pub use recommend::{Evidence, Recommendation, Severity, recommend};
pub use score::{Score, ScorePart, score};
pub use trend::{ForecastPoint, Trend, trend};
pub(crate) use units::count;
pub use units::{Conversion, FigureUnit, nanoseconds};
pub use verdict::{BenchVerdict, Change, Level, Verdict};
