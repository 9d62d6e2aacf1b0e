//! Baselines as one JSON document: the contract that `docs/formats/baseline.md` describes.

use std::collections::BTreeSet;

use perf_kernel::wire::Status;
use serde::{Deserialize, Serialize};

use super::{Baseline, BaselineFileError, BaselineKind, BaselineName};
use crate::analysis::Fingerprint;
use crate::report::{BaselineError, DOCUMENT_FORMAT, Document, to_json};
use crate::store::UnixSeconds;

/// The version of the contract.
pub const BASELINE_FORMAT: u32 = 1;

/// What the file says that it is.
pub const BASELINE_KIND: &str = "multios-perf-baseline";

/// How deep lines are broken: each bench of each boot has one.
const OPEN_DEPTH: usize = 7;

/// The baselines of one name, one for each machine.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineFile {
    name: BaselineName,
    entries: Vec<Baseline>,
}

#[derive(Serialize, Deserialize)]
struct FileText {
    format: u32,
    kind: String,
    name: String,
    entries: Vec<EntryText>,
}

/// An entry as files and the database have it.
#[derive(Serialize, Deserialize)]
struct EntryText {
    kind: String,
    set_unix_s: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted: Option<String>,
    fingerprint: Fingerprint,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boots: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Box<Document>>,
}

impl BaselineFile {
    /// The baselines `entries`, all of which get the name `name`.
    ///
    /// # Errors
    /// There are none, or two are for one machine.
    pub fn new(name: BaselineName, mut entries: Vec<Baseline>) -> Result<Self, BaselineFileError> {
        if entries.is_empty() {
            return Err(BaselineFileError::Empty);
        }
        let mut seen = BTreeSet::new();
        for (place, entry) in entries.iter_mut().enumerate() {
            if !seen.insert(entry.fingerprint.name()) {
                let what = format!("is the second for the machine {}", entry.fingerprint.name());
                return Err(BaselineFileError::Entry { place: place + 1, what });
            }
            entry.name.clone_from(&name);
        }
        // Equal baselines are equal files, however the database ordered them.
        entries.sort_by_cached_key(|entry| entry.fingerprint.name());
        Ok(Self { name, entries })
    }

    /// Their name.
    #[must_use]
    pub const fn name(&self) -> &BaselineName {
        &self.name
    }

    /// One for each machine, by the name of its fingerprint.
    #[must_use]
    pub fn entries(&self) -> &[Baseline] {
        &self.entries
    }

    /// The baselines by themselves.
    #[must_use]
    pub fn into_entries(self) -> Vec<Baseline> {
        self.entries
    }

    /// The file as text. Equal baselines give equal bytes.
    #[must_use]
    pub fn to_text(&self) -> String {
        let text = FileText {
            format: BASELINE_FORMAT,
            kind: BASELINE_KIND.to_owned(),
            name: self.name.to_string(),
            entries: self.entries.iter().map(EntryText::of).collect(),
        };
        to_json(&text, OPEN_DEPTH)
    }

    /// Reads what [`Self::to_text`] or `--json` wrote. The results of `--json` have no name of their own and are then
    /// called `unnamed`, as set at `now`.
    ///
    /// # Errors
    /// See [`BaselineFileError`].
    pub fn parse(text: &[u8], unnamed: &BaselineName, now: UnixSeconds) -> Result<Self, BaselineFileError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
            kind: Option<String>,
        }
        let Head { format, kind } = serde_json::from_slice(text).map_err(BaselineFileError::Syntax)?;
        match kind {
            None => Self::of_document(Document::parse(text)?, unnamed, now),
            Some(kind) if kind != BASELINE_KIND => Err(BaselineFileError::Kind(kind)),
            Some(_) if format > BASELINE_FORMAT => Err(BaselineFileError::Newer(format)),
            Some(_) => {
                let text: FileText = serde_json::from_slice(text).map_err(BaselineFileError::Syntax)?;
                let name: BaselineName = text.name.parse()?;
                let entries = text.entries.into_iter().enumerate();
                let entries = entries.map(|(place, entry)| entry.baseline(&name, place + 1));
                let entries = entries.collect::<Result<Vec<_>, _>>()?;
                Self::new(name, entries)
            }
        }
    }

    fn of_document(
        document: Document,
        name: &BaselineName,
        now: UnixSeconds,
    ) -> Result<Self, BaselineFileError> {
        check_document(&document, 1)?;
        let entry = Baseline {
            name: name.clone(),
            fingerprint: document.fingerprint.clone(),
            set: now,
            accepted: None,
            kind: BaselineKind::Pinned(Box::new(document)),
        };
        Self::new(name.clone(), vec![entry])
    }
}

impl Baseline {
    /// The baseline as the database keeps it.
    pub(crate) fn to_stored(&self) -> String {
        to_json(&EntryText::of(self), 0)
    }

    /// The baseline `name` from what the database keeps of it.
    pub(crate) fn from_stored(name: &BaselineName, text: &str) -> Result<Self, BaselineFileError> {
        let entry: EntryText = serde_json::from_str(text).map_err(BaselineFileError::Syntax)?;
        entry.baseline(name, 1)
    }
}

impl EntryText {
    fn of(baseline: &Baseline) -> Self {
        let (boots, content) = match &baseline.kind {
            BaselineKind::Pinned(document) => (None, Some(document.clone())),
            BaselineKind::Rolling { boots } => (Some(*boots), None),
        };
        Self {
            kind: baseline.kind.name().to_owned(),
            set_unix_s: baseline.set.0,
            accepted: baseline.accepted.clone(),
            fingerprint: baseline.fingerprint.clone(),
            boots,
            content,
        }
    }

    fn baseline(self, name: &BaselineName, place: usize) -> Result<Baseline, BaselineFileError> {
        let wrong = |what: &str| BaselineFileError::Entry { place, what: what.to_owned() };
        let kind = match (self.kind.as_str(), self.boots, self.content) {
            ("pinned", None, Some(document)) => {
                check_document(&document, place)?;
                if document.fingerprint != self.fingerprint {
                    return Err(wrong("and its content have different fingerprints"));
                }
                BaselineKind::Pinned(document)
            }
            ("rolling", Some(boots), None) if boots > 0 => BaselineKind::Rolling { boots },
            ("pinned", ..) => return Err(wrong("is pinned and has `boots`, or has no `content`")),
            ("rolling", ..) => return Err(wrong("is rolling and has no `boots` from 1, or has `content`")),
            (other, ..) => return Err(wrong(&format!("is \"{other}\", neither pinned nor rolling"))),
        };
        Ok(Baseline {
            name: name.clone(),
            fingerprint: self.fingerprint,
            set: UnixSeconds(self.set_unix_s),
            accepted: self.accepted,
            kind,
        })
    }
}

/// Holds `document` to have figures that something can be compared with.
fn check_document(document: &Document, place: usize) -> Result<(), BaselineFileError> {
    if document.format > DOCUMENT_FORMAT {
        return Err(BaselineError::Newer(document.format).into());
    }
    let wrong = |what: String| Err(BaselineFileError::Entry { place, what });
    if document.mode.is_none() {
        return wrong("does not say in which mode it was measured".to_owned());
    }
    let mut has_figures = false;
    for boot in &document.boots {
        let mut seen = BTreeSet::new();
        for bench in &boot.benches {
            if !seen.insert(bench.id.as_str()) {
                return wrong(format!("has {} twice in boot {}", bench.id, boot.number));
            }
            if bench.p50.is_some_and(|p50| !p50.is_finite() || p50 < 0.0) {
                return wrong(format!("has a median of {} that is no cost", bench.id));
            }
            has_figures |= bench.status == Status::Measured && bench.p50.is_some();
        }
    }
    if has_figures { Ok(()) } else { wrong("has no measured bench".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::trimmed;
    use crate::samples;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::Mode;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn name(text: &str) -> BaselineName {
        text.parse().expect("a name")
    }

    fn pinned(mode: Mode) -> Baseline {
        let document = trimmed(&run("3f2a91bc", vec![boot(mode, vec![samples::bench("env/pause", 100, 1)])]));
        Baseline {
            name: name("main"),
            fingerprint: document.fingerprint.clone(),
            set: NOW,
            accepted: None,
            kind: BaselineKind::Pinned(Box::new(document)),
        }
    }

    fn file() -> BaselineFile {
        BaselineFile::new(name("main"), vec![pinned(Mode::Kvm), pinned(Mode::Hosted)]).expect("two machines")
    }

    fn parse(text: &str) -> Result<BaselineFile, BaselineFileError> {
        BaselineFile::parse(text.as_bytes(), &name("unnamed"), NOW)
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let error = parse(text).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn the_order_of_entries_does_not_change_the_file() {
        let other = BaselineFile::new(name("main"), vec![pinned(Mode::Hosted), pinned(Mode::Kvm)]);
        assert_eq!(other.expect("two machines").to_text(), file().to_text());
    }

    #[test]
    fn each_bench_has_a_line() {
        let text = file().to_text();
        let lines: Vec<_> = text.lines().filter(|line| line.contains("\"id\": \"env/pause\"")).collect();
        assert!(lines.len() == 2 && lines[0].ends_with('}'), "{text}");
    }

    #[test]
    fn results_of_a_run_serve_as_a_baseline() {
        let BaselineKind::Pinned(document) = pinned(Mode::Icount).kind else { panic!("it is pinned") };
        let read = parse(&document.to_text()).expect("it is what --json writes");
        assert_eq!((read.name().as_str(), read.entries()[0].set), ("unnamed", NOW));
        assert_eq!(read.entries()[0].kind, BaselineKind::Pinned(document));
    }

    #[test]
    fn the_baseline_of_this_repository_is_readable() {
        let read = parse(include_str!("../../../docs/baseline.json")).expect("a baseline");
        let BaselineKind::Pinned(document) = &read.entries()[0].kind else { panic!("it is pinned") };
        assert_eq!(document.mode, Some(Mode::Icount));
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_the_reason() {
        let text = file().to_text();
        refused("", "neither what `baseline export`");
        refused("[1, 2]", "neither what `baseline export`");
        refused(&text[..text.len() / 2], "neither what `baseline export`");
        refused(&text.replace("\"p50\": 50.0", "\"p50\": NaN"), "neither what `baseline export`");
        refused(&text.replace("\"p50\": 50.0", "\"p50\": 1e999"), "neither what `baseline export`");
        refused(&text.replace("\"p50\": 50.0", "\"p50\": -50.0"), "that is no cost");
        refused(&text.replace("\"p50\": 50.0", "\"p50\": null"), "has no measured bench");
        refused(&text.replace(BASELINE_KIND, "multios-perf-findings"), "\"multios-perf-findings\"");
        refused(&text.replacen("\"format\": 1", "\"format\": 9", 1), "its format is 9");
        refused(&text.replace("      \"format\": 1", "      \"format\": 9"), "its format is 9");
        refused(&text.replace("\"main\"", "\"../main\""), "as the name of a baseline");
        refused(&text.replace("\"kind\": \"pinned\"", "\"kind\": \"loose\""), "neither pinned nor rolling");
        refused(&text.replace("\"kind\": \"pinned\"", "\"kind\": \"rolling\""), "entry 1 is rolling");
        refused(
            &text.replacen("\"hypervisor\": \"TCG", "\"hypervisor\": \"tcg", 1),
            "different fingerprints",
        );
        refused(
            "{\"format\": 1, \"kind\": \"multios-perf-baseline\", \"name\": \"a\", \"entries\": []}",
            "no entries",
        );
    }

    #[test]
    fn one_machine_has_one_entry() {
        let error = BaselineFile::new(name("main"), vec![pinned(Mode::Kvm), pinned(Mode::Kvm)]);
        let error = error.expect_err("twice").to_string();
        assert!(error.contains("entry 2 is the second for the machine"), "{error}");
    }
}
