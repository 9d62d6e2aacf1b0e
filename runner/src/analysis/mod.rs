//! What records mean: figures with units, limits, and comparisons.

mod boots;
mod compare;
mod correction;
mod exact;
mod figures;
mod fingerprint;
mod growth;
mod limits;
mod merged;
mod power;
mod rank_sum;
mod recommend;
mod score;
mod shift;
mod side;
mod splits;
mod times;
mod trend;
mod units;
mod verdict;

pub use compare::{Comparison, Likeness, Outcome, Settings, compare, compare_with};
pub use exact::{ExactChange, ExactChangeKind, ExactComparison};
pub use figures::{Figures, Rates};
pub use fingerprint::{Difference, Fingerprint};
pub use growth::{Growth, GrowthClass, ScaleCost};
pub use limits::{Judgement, judge};
pub use merged::{MergedBench, median, merge};
pub use recommend::{Evidence, Recommendation, Severity};
pub use score::{Score, ScorePart};
pub use side::{Side, SideBench};
pub use splits::{SplitError, SplitSuite, Splits, splits};
pub use trend::{ForecastPoint, Trend};
pub use units::{Conversion, FigureUnit, nanoseconds};
pub(crate) use units::{count, count_of};
pub use verdict::{BenchVerdict, Change, Level, Verdict};
