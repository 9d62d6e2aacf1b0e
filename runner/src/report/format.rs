//! The formats in which a run can be reported.

use super::{Document, annotations, bencher, csv, html, junit, ktap, markdown, openmetrics, sarif};
use crate::assess::Assessment;

/// A format in which a run can be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportFormat {
    /// One self-contained page.
    Html,
    /// A comment for a change.
    Markdown,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// Kernel Test Anything Protocol, version 1.
    Ktap,
    /// The document of `docs/json.md`.
    Json,
    /// The table of `docs/json.md`.
    Csv,
    /// OpenMetrics 1.0 text.
    OpenMetrics,
    /// Bencher Metric Format.
    Bencher,
    /// GitHub's workflow commands.
    Annotations,
}

impl ReportFormat {
    /// All, in the order in which help lists them.
    pub const ALL: [Self; 10] = [
        Self::Html,
        Self::Markdown,
        Self::Junit,
        Self::Sarif,
        Self::Ktap,
        Self::Json,
        Self::Csv,
        Self::OpenMetrics,
        Self::Bencher,
        Self::Annotations,
    ];

    /// Its name, as the command line has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Ktap => "ktap",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::OpenMetrics => "openmetrics",
            Self::Bencher => "bencher",
            Self::Annotations => "annotations",
        }
    }

    /// How the name of a file in it ends, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Markdown => "md",
            Self::Junit => "xml",
            Self::Sarif => "sarif",
            Self::Ktap => "ktap",
            Self::Json | Self::Bencher => "json",
            Self::Csv => "csv",
            Self::OpenMetrics => "prom",
            Self::Annotations => "txt",
        }
    }

    /// The report of `assessment` in this format. Equal assessments give equal text.
    #[must_use]
    pub fn render(self, assessment: &Assessment) -> String {
        match self {
            Self::Html => html(assessment),
            Self::Markdown => markdown(assessment),
            Self::Junit => junit(assessment),
            Self::Sarif => sarif(assessment),
            Self::Ktap => ktap(assessment),
            Self::Json => Document::of(&assessment.run).to_text(),
            Self::Csv => csv(&Document::of(&assessment.run)),
            Self::OpenMetrics => openmetrics(assessment),
            Self::Bencher => bencher(assessment),
            Self::Annotations => assessment.comparison.as_ref().map(annotations).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::assessment;

    #[test]
    fn equal_assessments_give_equal_text() {
        for format in ReportFormat::ALL {
            let text = format.render(&assessment());
            assert!(text == format.render(&assessment()) && text.ends_with('\n'), "{format:?}");
        }
    }

    #[test]
    fn no_format_passes_on_what_a_terminal_obeys() {
        for format in ReportFormat::ALL {
            let text = format.render(&assessment());
            let is_plain =
                |c: char| !c.is_control() || c == '\n' || (c == '\r' && format == ReportFormat::Csv);
            assert!(text.chars().all(is_plain), "{format:?}: {text}");
        }
    }

    #[test]
    fn a_run_without_reference_history_or_boots_has_every_report() {
        let mut assessment = assessment();
        assessment.comparison = None;
        assessment.courses.clear();
        assessment.score = None;
        assessment.targets.clear();
        assessment.run.boots.clear();
        for format in ReportFormat::ALL {
            let text = format.render(&assessment);
            assert_eq!(text.is_empty(), format == ReportFormat::Annotations, "{format:?}");
        }
    }

    #[test]
    fn the_page_for_people_names_every_format() {
        let page = include_str!("../../../docs/reports.md");
        for format in ReportFormat::ALL {
            assert!(
                page.contains(&format!("`--{}`", format.name())),
                "docs/reports.md lacks {}",
                format.name()
            );
        }
    }
}
