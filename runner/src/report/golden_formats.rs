//! Reports for machines held against files.

use super::ReportFormat;
use super::golden::check;
use crate::assess::samples::assessment;

#[test]
fn the_reports_for_machines() {
    let mut assessment = assessment();
    // The version of this program is part of the log and no matter of its form. Reports for people and documents have
    // files and tests of their own.
    for format in ReportFormat::ALL {
        if matches!(
            format,
            ReportFormat::Html | ReportFormat::Markdown | ReportFormat::Json | ReportFormat::Csv
        ) {
            continue;
        }
        assessment.machine = "00000000000000aa".into();
        let text = format.render(&assessment).replace(env!("CARGO_PKG_VERSION"), "VERSION");
        check(&format!("report-{}.{}", format.name(), format.extension()), &text);
    }
}
