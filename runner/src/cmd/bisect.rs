//! `bisect`: which revision a finding begins with.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use perf_kernel::plan::Preset;
use perf_kernel::wire::Mode;

use super::arguments::StoreOptions;
use super::bisect_drive::drive;
use super::failure::CommandError;
use super::findings::existing;
use super::output::print;
use super::tracked;
use crate::analysis::{FigureUnit, median};
use crate::bisect::{Levels, PROBABILITY_ENOUGH, Repository, Search};
use crate::exit_code;
use crate::history::Kind;
use crate::report::{Palette, clean, search_text};
use crate::store::{RunHead, Series, Store};
use crate::tracking::{self, Filter, FindingState, TrackedFinding};

/// Points of each level, nearest to the change, from which its noise is taken.
const NEAR: usize = 48;

/// Fewest digits by which a hash is recognised.
const HASH_DIGITS_MIN: usize = 7;

#[derive(Args, Clone, Debug)]
pub(super) struct BisectOptions {
    /// The finding, by the first digits of its id
    #[arg(value_name = "ID")]
    id: String,
    /// A folder of the repository that was measured
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    repository: PathBuf,
    /// Build and boot revisions until the first bad one is found, in a work tree below target/bisect
    #[arg(long)]
    drive: bool,
    /// Runs after which driving gives up
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(super) runs_max: u32,
    /// Boots of each run [default: as many as the history's runs have]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    boots: Option<u32>,
    /// Shell command that builds a revision [default: make perf-image, or make hosted-kernel for hosted histories]
    #[arg(long, value_name = "COMMAND", requires = "drive")]
    pub(super) build: Option<String>,
    /// Shell command that measures what was built and stores it; it finds PERF_REVISION, PERF_BENCH, PERF_BOOTS and PERF_DB in
    /// its environment [default: run or hosted of this program]
    #[arg(long, value_name = "COMMAND", requires = "drive")]
    pub(super) run: Option<String>,
    #[command(flatten)]
    store: StoreOptions,
}

/// What is known before the first boot.
pub(super) struct Case {
    pub(super) finding: TrackedFinding,
    pub(super) repository: Repository,
    pub(super) boots: u32,
    /// The run with the new level, which tells how to run.
    pub(super) head: RunHead,
    pub(super) is_hosted: bool,
    good: String,
    revisions: Vec<String>,
    levels: Levels,
    unit: Option<FigureUnit>,
}

pub(super) fn bisect(options: &BisectOptions) -> anyhow::Result<u8> {
    let mut store = existing(&options.store, &options.id)?;
    drop(tracked::open(&options.store)?);
    let finding = tracking::find(&store, &options.id)?;
    let case = Case::of(options, &store, finding)?;
    if options.drive {
        return drive(options, &case, &mut store);
    }
    let search = case.search(&store, &BTreeSet::new())?;
    print(&case.text(&search)?)?;
    let Some(next) = &search.next else { return Ok(exit_code::OK) };
    print(&format!("\nnext, at {next}:\n{}", case.commands(next, store.path())))?;
    Ok(exit_code::OK)
}

impl Case {
    fn of(options: &BisectOptions, store: &Store, finding: TrackedFinding) -> anyhow::Result<Self> {
        let what = || format!("bisect the finding {}", finding.finding.id);
        let refused = |reason: String| anyhow::Error::new(CommandError::NoSuchBoot { what: what(), reason });
        if !matches!(finding.finding.kind, Kind::Step | Kind::Environment) {
            return Err(refused(format!(
                "a finding of the type {} has no first bad revision",
                finding.finding.kind.name()
            )));
        }
        let series = store.series(&finding.machine, &finding.bench)?;
        let bounds = Bounds::of(store, &finding)?;
        let named = |place: usize| series.points.get(place)?.revision.clone();
        let no_revision = || {
            refused(
                "the runs around it do not tell their revisions; `run` takes them from git or by --revision"
                    .to_owned(),
            )
        };
        let good = (bounds.level.0..bounds.candidates.0).rev().find_map(named).ok_or_else(no_revision)?;
        let bad = (bounds.candidates.1..bounds.level.1.min(series.points.len()))
            .find(|place| named(*place).is_some())
            .ok_or_else(no_revision)?;
        let repository = Repository::at(&options.repository)?;
        let revisions = repository.between(&good, &named(bad).unwrap_or_default())?;
        let size = &finding.finding.size;
        let (before, after) = bounds.figures(&series);
        let levels = Levels::of(size.before, size.after, &before, &after)
            .ok_or_else(|| refused("its levels are equal".to_owned()))?;
        let head = store.load(&series.points[bad].run)?.head;
        let usual = median(series.points.iter().map(|point| point.boots as f64)).unwrap_or(1.0);
        let usual = (1..1000).find(|boots| f64::from(*boots) >= usual).unwrap_or(1000);
        let fingerprint = store.machines()?.into_iter().find(|machine| machine.name == finding.machine);
        let mode = fingerprint.and_then(|machine| machine.fingerprint.0.get("mode").cloned());
        Ok(Self {
            good: repository.commit(&good)?,
            boots: options.boots.unwrap_or(usual),
            is_hosted: mode.is_some_and(|mode| mode == Mode::Hosted.name()),
            unit: series.points.last().and_then(|point| FigureUnit::of_name(&point.unit)),
            finding,
            repository,
            head,
            revisions,
            levels,
        })
    }

    /// The search as far as stored runs take it; `skipped` revisions cannot be booted.
    pub(super) fn search(&self, store: &Store, skipped: &BTreeSet<String>) -> anyhow::Result<Search> {
        let series = store.series_and_asides(&self.finding.machine, &self.finding.bench)?;
        let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut figures = Vec::new();
        for point in &series.points {
            let Some(name) = &point.revision else { continue };
            let revision = known.entry(name.clone()).or_insert_with(|| self.revision(name));
            figures.extend(revision.clone().map(|revision| (revision, point.value)));
        }
        Ok(Search::of(&self.levels, &self.good, &self.revisions, &figures, skipped))
    }

    /// The revision of the search that a run's name for it means.
    fn revision(&self, name: &str) -> Option<String> {
        let is_hash = name.len() >= HASH_DIGITS_MIN && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = if is_hash { name.to_ascii_lowercase() } else { self.repository.commit(name).ok()? };
        self.revisions.iter().find(|revision| revision.starts_with(&hash)).cloned()
    }

    /// The search for people.
    pub(super) fn text(&self, search: &Search) -> anyhow::Result<String> {
        let mut subjects = BTreeMap::new();
        let doubtful = search.candidates.iter().filter(|candidate| candidate.probability > 1e-3).take(40);
        for revision in doubtful.map(|candidate| &candidate.revision).chain([&search.good]) {
            subjects.insert(revision.clone(), self.repository.subject(revision)?);
        }
        let finding = &self.finding;
        let change =
            tracking::percent(&finding.finding).map(|change| format!(", {change}")).unwrap_or_default();
        let mut text = format!("{} {}{change}\n", clean(&finding.bench), finding.finding.kind.name());
        if finding.finding.kind == Kind::Environment {
            text.push_str("control benches changed with it: look at the machine before the code\n");
        }
        text.push_str(&search_text(search, &subjects, self.unit, Palette::of(&io::stdout())));
        text.push_str(&match (&search.found, &search.next) {
            (Some(found), _) => {
                let subject =
                    subjects.get(found).map(|subject| clean(subject).into_owned()).unwrap_or_default();
                let enough = 100.0 * PROBABILITY_ENOUGH;
                format!("done: it begins with {found} {subject} (with at least {enough:.0} %)\n")
            }
            (None, Some(_)) => "not decided yet\n".to_owned(),
            (None, None) => "not decided, and no revision is left that boots\n".to_owned(),
        });
        Ok(text)
    }

    /// What to type to measure a revision.
    fn commands(&self, revision: &str, database: &std::path::Path) -> String {
        let build = if self.is_hosted { "make hosted-kernel" } else { "make perf-image" };
        let mut words = self.run_arguments(revision, database);
        // Another plan would be another machine, with a history of its own.
        words.extend(self.head.plan().map(|plan| format!("--plan={}", preset(plan.preset))));
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        format!(
            "  git checkout {revision}\n  {build}\n  multios-perf {}\nthen `multios-perf bisect {}` again\n",
            words.join(" "),
            self.finding.finding.id
        )
    }

    /// Arguments of this program that measure what was built.
    pub(super) fn run_arguments(&self, revision: &str, database: &std::path::Path) -> Vec<String> {
        let mut words = if self.is_hosted {
            vec!["hosted".to_owned(), "--program".to_owned(), "target/hosted/perf-hosted".to_owned()]
        } else {
            let profile = self.head.profile.clone().unwrap_or_else(|| "default".to_owned());
            vec!["run".to_owned(), format!("--profile={profile}")]
        };
        words.extend([
            "--aside".to_owned(),
            format!("--revision={revision}"),
            format!("--filter={}", self.finding.bench),
            format!("--boots={}", self.boots),
            format!("--db={}", database.display()),
        ]);
        words
    }
}

/// Where, among the points of a history, a finding may begin and how far its levels reach.
struct Bounds {
    /// First and last index that it may begin at.
    candidates: (usize, usize),
    /// First index of the level before, and index after the level that it began.
    level: (usize, usize),
}

impl Bounds {
    fn of(store: &Store, finding: &TrackedFinding) -> anyhow::Result<Self> {
        let found = &finding.finding;
        let first = found.location.iter().map(|span| span.first).min().unwrap_or(found.at).min(found.at);
        let last = found.location.iter().map(|span| span.last).max().unwrap_or(found.at).max(found.at);
        let filter = Filter {
            machine: Some(finding.machine.clone()),
            bench: Some(finding.bench.clone()),
            state: Some(FindingState::Standing),
        };
        let others = tracking::findings(store, &filter).context("look for other findings")?;
        let others =
            others.iter().filter(|other| other.finding.kind.is_new_level() && other.finding.id != found.id);
        let places: Vec<usize> = others.map(|other| other.finding.at).collect();
        let start = places.iter().copied().filter(|at| *at <= first).max().unwrap_or(0);
        let end = places.iter().copied().filter(|at| *at > last).min().unwrap_or(usize::MAX);
        Ok(Self { candidates: (first, last), level: (start, end) })
    }

    /// Figures of the level before and of the one after, without those that may belong to either.
    fn figures(&self, series: &Series) -> (Vec<f64>, Vec<f64>) {
        let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
        let first = self.candidates.0.min(values.len());
        let end = self.level.1.min(values.len());
        let before = &values[self.level.0.min(first).max(first.saturating_sub(NEAR))..first];
        let after = &values[self.candidates.1.min(end)..end];
        (before.to_vec(), after.iter().take(NEAR).copied().collect())
    }
}

const fn preset(preset: Preset) -> &'static str {
    match preset {
        Preset::Quick => "quick",
        Preset::Standard => "standard",
        Preset::Full => "full",
    }
}

/// A word as a shell takes it, free of what a terminal obeys.
fn quoted(word: &str) -> String {
    let word = clean(word);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.,:+".contains(c);
    if word.chars().all(is_plain) { word.into_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("--filter=memory/a-b/64"), "--filter=memory/a-b/64");
        assert_eq!(quoted("a; rm -rf ~"), "'a; rm -rf ~'");
        assert_eq!(quoted("it's $(x)"), "'it'\\''s $(x)'");
        assert!(!quoted("a\u{1b}[2J").contains('\u{1b}'));
    }
}
