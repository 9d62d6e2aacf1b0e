//! What a run changed, as a line for people.

use crate::history::{Event, Finding};
use crate::report::clean;

/// What a run did to a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Bench id with its scale.
    pub bench: String,
    /// Name of the fingerprint of the machine.
    pub machine: String,
    /// The run that brought it about.
    pub run: String,
    /// Most probable first run of the finding.
    pub begins: String,
    /// Revision or image that this first run measured.
    pub commit: Option<String>,
    /// The finding as it stands now, or last stood.
    pub finding: Option<Finding>,
    /// What happened to it.
    pub event: Event,
    /// The same in words.
    pub what: String,
}

impl Change {
    /// Whether people want to hear of it at once: not that a history is still short, nor a place that moved.
    #[must_use]
    pub fn is_news(&self) -> bool {
        let is_of_note = |finding: &Finding| !finding.is_of_short_history();
        match &self.event {
            Event::Moved { .. } | Event::Settled { .. } => false,
            _ => self.finding.as_ref().is_none_or(is_of_note),
        }
    }

    /// One line without an end: bench, what happened, size and id.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut line = format!("{}: ", self.bench);
        if let Some(finding) = &self.finding {
            match &self.event {
                Event::Opened(_) => line.push_str(&self.what),
                _ => line.push_str(&format!("{} at run {} {}", finding.kind.name(), self.begins, self.what)),
            }
            if let Some(commit) = &self.commit {
                line.push_str(&format!(" ({})", commit.chars().take(12).collect::<String>()));
            }
            if let Some(size) = percent(finding) {
                line.push_str(&format!(": {size}"));
            }
            line.push_str(&format!(", finding {}", short(&finding.id.to_string())));
        } else {
            line.push_str(&self.what);
        }
        clean(&line).into_owned()
    }
}

/// The size of a finding with its interval in percent of the level before; `None` where that has no meaning.
pub(crate) fn percent(finding: &Finding) -> Option<String> {
    let size = &finding.size;
    let part = size.relative().filter(|_| finding.size.shift != 0.0)?;
    let scale = 100.0 / size.before.abs();
    let interval = size.interval.filter(|of| of.low < of.high);
    let range = interval.map(|of| format!(" [{:+.2} .. {:+.2}]", scale * of.low, scale * of.high));
    let digits = if part.abs() < 1e-4 { 4 } else { 2 };
    Some(format!("{:+.digits$} %{}", 100.0 * part, range.unwrap_or_default()))
}

/// The beginning of an id, long enough to be told apart.
pub(crate) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
