//! From a run to what is said of it, and to reports.

use std::fs;
use std::path::PathBuf;

use super::run::{TestOutcome, run_performance_tests};
use super::{Control, TestError, TestRequest};
use crate::analysis::Side;
use crate::assess::{Assessment, gather};
use crate::report::ReportFormat;
use crate::store::{Run, Store};

/// A report that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRequest {
    /// Its format.
    pub format: ReportFormat,
    /// The file; one that is there is replaced.
    pub path: PathBuf,
}

/// A run with everything that was made of it.
#[derive(Debug)]
pub struct AllOutcome {
    /// The run.
    pub tests: TestOutcome,
    /// What is said of it; `None` without a boot, or if the database could not be read.
    pub assessment: Option<Assessment>,
    /// The reports that were written.
    pub reports: Vec<PathBuf>,
    /// What kept the analysis or a report from being made. The run is kept all the same.
    pub trouble: Option<TestError>,
}

/// Says of `run` what the database allows: verdicts against `reference`, or else against the run before of the same
/// machine, histories with findings and trends, growth over scales, score, targets, recommendations.
///
/// # Errors
/// The database cannot be read.
pub fn run_regression_analysis(
    store: &Store,
    run: Run,
    reference: Option<&Side>,
) -> Result<Assessment, TestError> {
    Ok(gather(store, run, reference)?)
}

/// The report of `assessment` in `format`. Equal assessments give equal text.
#[must_use]
pub fn generate_performance_report(assessment: &Assessment, format: ReportFormat) -> String {
    format.render(assessment)
}

/// Runs every bench that the plan selects, analyses the run and writes the reports.
///
/// # Errors
/// As [`run_performance_tests`]; what goes wrong later is in the outcome.
pub fn run_all_tests(
    request: &TestRequest,
    reports: &[ReportRequest],
    control: &Control,
) -> Result<AllOutcome, TestError> {
    let tests = run_performance_tests(request, control)?;
    let mut outcome = AllOutcome { tests, assessment: None, reports: Vec::new(), trouble: None };
    if outcome.tests.run.boots.is_empty() {
        return Ok(outcome);
    }
    match analyse(request, &outcome.tests.run) {
        Ok(assessment) => {
            outcome.trouble = write(&assessment, reports, &mut outcome.reports).err();
            outcome.assessment = Some(assessment);
        }
        Err(error) => outcome.trouble = Some(error),
    }
    Ok(outcome)
}

fn analyse(request: &TestRequest, run: &Run) -> Result<Assessment, TestError> {
    let store = Store::open(request.folder.database())?;
    run_regression_analysis(&store, run.clone(), None)
}

fn write(
    assessment: &Assessment,
    reports: &[ReportRequest],
    written: &mut Vec<PathBuf>,
) -> Result<(), TestError> {
    for ReportRequest { format, path } in reports {
        let text = generate_performance_report(assessment, *format);
        let what = format!("write the {} report {}", format.name(), path.display());
        fs::write(path, text).map_err(TestError::io(what))?;
        written.push(path.clone());
    }
    Ok(())
}
