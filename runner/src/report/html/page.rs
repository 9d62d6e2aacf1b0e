//! The page as a whole.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::view::View;
use super::{bench, compared, environment, findings, navigation, overview, policy, suites};
use crate::assess::Assessment;
use crate::report::clean::clean;

const STYLE: &str = concat!(include_str!("shared.css"), include_str!("style.css"));
const SCRIPT: &str = include_str!("script.js");

/// The report of `assessment` as one HTML file. It loads nothing, tells the browser to load nothing, and is readable
/// without its script.
#[must_use]
pub fn html(assessment: &Assessment) -> String {
    let view = View::of(assessment);
    let title = format!("Run {}", clean(&assessment.run.head.id));
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy::policy(STYLE, SCRIPT));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " \u{2013} multios-perf" }
                style { (PreEscaped(STYLE)) }
                script { (PreEscaped(SCRIPT)) }
            }
            body { (body(&view)) }
        }
    };
    page.into_string() + "\n"
}

fn body(view: &View<'_>) -> Markup {
    markup! {
        a.skip href="#main" { "Skip to the report" }
        (navigation::navigation(view))
        main id="main" tabindex="-1" {
            div.front {
                (overview::overview(view))
                (compared::compared(view))
                (findings::recommendations(view))
                (findings::findings(view))
                (suites::suites(view))
                (environment::environment(view))
                (suites::skipped(view))
                (overview::reading(view))
            }
            div id="benches" {
                p.all { a href="#overview" { "Back to the overview" } }
                (bench::benches(view))
            }
            footer {
                "Made by multios-perf " (clean(&view.assessment.run.head.runner_version))
                ". Equal results give an equal page, to the byte."
            }
        }
    }
}
