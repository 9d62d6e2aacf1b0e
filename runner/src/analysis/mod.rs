//! What records mean: figures with units, limits, and comparisons.

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
mod trend;
mod units;
mod verdict;

pub use compare::{Comparison, Likeness, Outcome, Settings, Side, SideBench, compare, compare_with};
pub use exact::{ExactChange, ExactChangeKind, ExactComparison};
pub use figures::{Figures, Rates};
pub use fingerprint::{Difference, Fingerprint};
pub use growth::{Growth, GrowthClass, ScaleCost};
pub use limits::{Judgement, judge};
pub use medians::{MedianComparison, MedianPair};
pub use merged::{MergedBench, median, merge};
pub use recommend::{Evidence, Recommendation, Severity};
pub use score::{Score, ScorePart};
pub use trend::{ForecastPoint, Trend};
pub(crate) use units::count;
pub use units::{Conversion, FigureUnit, nanoseconds};
pub use verdict::{BenchVerdict, Change, Level, Verdict};
