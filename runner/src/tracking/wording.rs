//! What becomes of findings, in words.

use crate::history::{Certainty, Event, FindingId};

/// The finding that an event is about.
pub(super) const fn id_of(event: &Event) -> FindingId {
    match event {
        Event::Opened(finding) | Event::Withdrawn { finding } => finding.id,
        Event::Confirmed { id, .. }
        | Event::Moved { id, .. }
        | Event::Retyped { id, .. }
        | Event::Merged { id, .. }
        | Event::Settled { id } => *id,
    }
}

/// An event in words; `name` gives the run of an index, and `is_known` says that the finding had been opened before.
pub(super) fn what(event: &Event, is_known: bool, name: impl Fn(usize) -> String) -> String {
    match event {
        Event::Opened(finding) => {
            let again = if is_known { " again" } else { "" };
            let doubt = if finding.certainty == Certainty::Suspected { "suspected " } else { "" };
            format!("opened{again} as {doubt}{} at run {}", finding.kind.name(), name(finding.at))
        }
        Event::Confirmed { certainty, .. } => match certainty {
            Certainty::Suspected => "suspected".to_owned(),
            Certainty::Found => "found: within the budget of false alarms now".to_owned(),
            Certainty::Confirmed => "confirmed".to_owned(),
        },
        Event::Moved { from, to, .. } => format!("moved from run {} to run {}", name(*from), name(*to)),
        Event::Retyped { from, to, .. } => format!("turned out to be {}, not {}", to.name(), from.name()),
        Event::Merged { into, .. } => format!("became part of finding {into}"),
        Event::Settled { .. } => "settled: there are enough points now".to_owned(),
        Event::Withdrawn { .. } => "withdrawn".to_owned(),
    }
}
