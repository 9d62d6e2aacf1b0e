//! Making a run.

use perf_kernel::plan::Plan;
use perf_kernel::suites::SUITES;

use super::machine::{boot_in_qemu, run_as_process};
use super::session::Session;
use super::{Control, Target, TestError, TestRequest};
use crate::store::Run;
use crate::tracking::Change;

/// A run that was made, at least in part.
#[derive(Debug)]
pub struct TestOutcome {
    /// The boots that came.
    pub run: Run,
    /// Whether all of them are in the database.
    pub is_stored: bool,
    /// What the run changed in the histories.
    pub changes: Vec<Change>,
    /// What ended the run early or kept a boot out of the database.
    pub trouble: Option<TestError>,
}

/// Runs every bench that the plan selects, so many boots, keeps the raw bytes and stores what they tell.
///
/// # Errors
/// No boot could be made at all; what ends a run later is in [`TestOutcome::trouble`].
pub fn run_performance_tests(request: &TestRequest, control: &Control) -> Result<TestOutcome, TestError> {
    let mut session = Session::begin(request, control)?;
    let made = match &request.target {
        Target::Qemu { profile, images } => boot_in_qemu(&mut session, profile, images),
        Target::Hosted { programs, silence_max } => run_as_process(&mut session, programs, *silence_max),
    };
    session.finish(made.err())
}

/// As [`run_performance_tests`] for the benches of one category: `env`, `kernel`, `memory`, ...
///
/// # Errors
/// There is no such category, and as [`run_performance_tests`].
pub fn run_performance_category_tests(
    category: &str,
    request: &TestRequest,
    control: &Control,
) -> Result<TestOutcome, TestError> {
    if !SUITES.iter().any(|suite| suite.name == category) {
        let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
        return Err(TestError::NoSuchCategory { name: category.to_owned(), known: names.join(", ") });
    }
    let plan = Plan { filter: vec![format!("{category}/")], ..request.plan.clone() };
    run_performance_tests(&TestRequest { plan, ..request.clone() }, control)
}
