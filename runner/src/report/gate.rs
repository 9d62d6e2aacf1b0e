//! The answer of a gate, for people and for scripts.

use serde::Serialize;

use super::annotations::command;
use super::clean::clean;
use super::concern::in_words;
use super::json::to_json;
use super::style::{Palette, Style};
use crate::analysis::{BenchVerdict, Change, Comparison, Settings};
use crate::gate::{Cause, Decision, Standing};

/// The version of the JSON that `check` writes. Fields may be added without a change.
const GATE_FORMAT: u32 = 1;

/// How deep lines are broken: each cause has one.
const OPEN_DEPTH: usize = 2;

/// What would decide what is suspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BootAgain {
    /// The benches, in the order in which they ran.
    pub benches: Vec<String>,
    /// Boots of a new run with which differences of this size would be decided; `None` if not even a thousand would.
    pub boots: Option<u32>,
    /// Boots that the baseline would need for that, if it has fewer.
    pub boots_baseline: Option<u32>,
    /// Command lines to run, in order.
    pub commands: Vec<String>,
}

/// What a gate has to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate<'a> {
    /// The comparison that it decided by; its first side is the baseline.
    pub comparison: &'a Comparison,
    /// The answer.
    pub decision: &'a Decision,
    /// What would decide what is suspected; `None` if nothing is.
    pub boot_again: Option<BootAgain>,
    /// What a reader should know besides, a sentence each.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
struct GateText<'a> {
    format: u32,
    kind: &'static str,
    run: &'a str,
    baseline: &'a str,
    exit_code: u8,
    standing: Standing,
    compared: usize,
    undecided: usize,
    new: usize,
    settings: Settings,
    causes: Vec<CauseText<'a>>,
    boot_again: Option<&'a BootAgain>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct CauseText<'a> {
    standing: Standing,
    bench: Option<&'a str>,
    why: String,
    change: Option<Change>,
}

impl Gate<'_> {
    /// The answer for people, the gravest cause first.
    #[must_use]
    pub fn text(&self, palette: Palette) -> String {
        let standing = self.decision.standing;
        let style = style(standing);
        let answer = palette.paint(style, standing.name());
        let against = clean(&self.comparison.a).into_owned();
        let code = standing.exit_code();
        let compared = self.decision.compared;
        let mut text =
            format!("{answer} against {against} (exit code {code}); {compared} benches compared\n");
        for cause in &self.decision.causes {
            let word = palette.paint(self::style(cause.standing), cause.standing.name());
            let bench = cause.bench.iter().map(|id| format!(" {}", clean(id))).collect::<String>();
            text.push_str(&format!("  {word}{bench}: {}\n", clean(&self.why(cause))));
        }
        if let Some(again) = &self.boot_again {
            text.push_str(&match again.boots {
                Some(boots) => format!("\n{boots} boots would decide what is suspected:\n"),
                None => "\nnot even a thousand boots would decide what is suspected; boots on a quieter machine, or both builds in one boot, may\n".to_owned(),
            });
            again.commands.iter().for_each(|line| text.push_str(&format!("  {}\n", clean(line))));
            if let Some(boots) = again.boots_baseline {
                text.push_str(&format!("the baseline has too few boots for that: pin a run of {boots}\n"));
            }
        }
        let notes = self.all_notes();
        if !notes.is_empty() {
            text.push('\n');
        }
        notes.iter().for_each(|note| text.push_str(&format!("note: {}\n", clean(note))));
        text
    }

    /// The answer as the JSON that `docs/json.md` describes.
    #[must_use]
    pub fn json(&self) -> String {
        let cause = |cause| {
            let change = self.verdict(cause).and_then(|bench| bench.change);
            let Cause { standing, bench, .. } = cause;
            CauseText { standing: *standing, bench: bench.as_deref(), why: self.why(cause), change }
        };
        let text = GateText {
            format: GATE_FORMAT,
            kind: "multios-perf-check",
            run: &self.comparison.b,
            baseline: &self.comparison.a,
            exit_code: self.decision.standing.exit_code(),
            standing: self.decision.standing,
            compared: self.decision.compared,
            undecided: self.decision.undecided,
            new: self.decision.new,
            settings: self.comparison.settings,
            causes: self.decision.causes.iter().map(cause).collect(),
            boot_again: self.boot_again.as_ref(),
            notes: &self.all_notes(),
        };
        to_json(&text, OPEN_DEPTH)
    }

    /// What annotations of the comparison do not tell, as annotations: an answer that does not come from a verdict.
    #[must_use]
    pub fn annotations(&self) -> String {
        let mut text = String::new();
        for cause in self.decision.causes.iter().filter(|cause| cause.why.is_some()) {
            let level = if cause.standing > Standing::Suspected { "error" } else { "warning" };
            let about = cause.bench.as_deref().unwrap_or("run");
            let title = format!("{about}: {}", cause.standing.name());
            text.push_str(&command(level, &[("title", title)], &self.why(cause)));
        }
        let standing = self.decision.standing;
        let level = if standing == Standing::Passed { "notice" } else { "error" };
        let message = format!("{} benches compared with {}", self.decision.compared, self.comparison.a);
        text + &command(level, &[("title", format!("check: {}", standing.name()))], &message)
    }

    fn why(&self, cause: &Cause) -> String {
        let told = cause.why.clone();
        told.or_else(|| self.verdict(cause).map(in_words)).unwrap_or_else(|| "no reason is known".to_owned())
    }

    fn verdict(&self, cause: &Cause) -> Option<&BenchVerdict> {
        self.comparison.benches.iter().find(|bench| Some(&bench.id) == cause.bench.as_ref())
    }

    fn all_notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let (undecided, new) = (self.decision.undecided, self.decision.new);
        if undecided > 0 {
            notes.push(format!(
                "{undecided} benches are undecided with these boots, and nothing hints at a higher cost"
            ));
        }
        if new > 0 {
            notes.push(format!("{new} benches are not in the baseline; pin a new one to watch them"));
        }
        notes
    }
}

const fn style(standing: Standing) -> Style {
    match standing {
        Standing::Passed | Standing::Improved => Style::Good,
        Standing::Suspected => Style::Warning,
        Standing::Regressed | Standing::NoData | Standing::Invalid | Standing::NotComparable => Style::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::assessment;

    fn decision() -> Decision {
        let cause = |standing, bench: Option<&str>, why: Option<&str>| Cause {
            standing,
            bench: bench.map(str::to_owned),
            why: why.map(str::to_owned),
        };
        Decision {
            standing: Standing::NoData,
            causes: vec![
                cause(Standing::NoData, None, Some("boot 2 hung\u{1b}[31m\n::error::x")),
                cause(Standing::Regressed, Some("memory/alloc-small/16"), None),
            ],
            compared: 5,
            undecided: 2,
            new: 1,
        }
    }

    fn with<T>(read: impl Fn(&Gate<'_>) -> T) -> T {
        let comparison = assessment().comparison.expect("it has one");
        let boot_again = Some(BootAgain {
            benches: vec!["env/pause".into()],
            boots: Some(12),
            boots_baseline: None,
            commands: vec!["multios-perf run --filter env/pause --boots 12".into()],
        });
        let decision = decision();
        let notes = vec!["one more".to_owned()];
        read(&Gate { comparison: &comparison, decision: &decision, boot_again, notes })
    }

    #[test]
    fn people_read_the_answer_its_causes_and_what_to_do() {
        let text = with(|gate| gate.text(Palette::Plain));
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("no data against ") && lines[0].contains("(exit code 21)"), "{text}");
        assert!(lines[1].starts_with("  no data: boot 2 hung\\u{1b}[31m"), "{text}");
        assert!(
            lines[2].starts_with("  regressed memory/alloc-small/16: 100 ns to 103 ns; +3.4 %"),
            "{text}"
        );
        assert!(
            text.contains("12 boots would decide") && text.contains("  multios-perf run --filter"),
            "{text}"
        );
        assert_eq!(text.matches("note: ").count(), 3, "{text}");
    }

    #[test]
    fn scripts_read_the_same() {
        let text = with(|gate| gate.json());
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((value["exit_code"].as_u64(), value["standing"].as_str()), (Some(21), Some("no_data")));
        assert_eq!(value["causes"][1]["change"]["ratio"].as_f64().map(|ratio| ratio > 1.03), Some(true));
        assert_eq!(value["boot_again"]["boots"], 12);
        assert_eq!(value["notes"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn every_answer_but_a_pass_is_an_error_on_the_page_of_a_job() {
        let text = with(|gate| gate.annotations());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "no text of a machine starts a line: {text}");
        assert!(lines[0].starts_with("::error title=run%3A no data::boot 2 hung"), "{text}");
        assert!(lines[1].starts_with("::error title=check%3A no data::5 benches compared"), "{text}");
    }
}
