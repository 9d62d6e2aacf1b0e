//! A run in memory.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use perf_kernel::plan::{self, Plan, ScaleChoice};
use perf_kernel::wire::Mode;
use serde::{Deserialize, Serialize};

use super::{PAIRED, UnixSeconds};
use crate::analysis::{Difference, Fingerprint, Side, SideBench};
use crate::collect::Boot;

/// What is known of a run before its first boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHead {
    /// Eight hex digits.
    pub id: String,
    /// When it was asked for.
    pub started: UnixSeconds,
    /// The command that made it: `run`, `hosted`, `replay`, `ab`, or `aside` for an older revision.
    pub command: String,
    /// The profile of qemu.toml; `None` for runs without one.
    pub profile: Option<String>,
    /// The plan as TOML, without a nonce; `None` if a replayed transcript came without it.
    pub plan: Option<String>,
    /// The version of the runner that collected.
    pub runner_version: String,
    /// The source revision that was measured, as the user or the version control names it; `None` if nobody said.
    #[serde(default)]
    pub revision: Option<String>,
}

impl RunHead {
    /// The plan; `None` if it is not known or this version does not understand it.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        plan::parse(self.plan.as_ref()?.as_bytes()).ok()
    }
}

/// A boot with its place in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredBoot {
    /// Place in the run, from 1.
    pub number: u32,
    /// What it told.
    pub boot: Boot,
    /// Where its bytes are kept.
    pub transcript: Option<PathBuf>,
    /// XXH3-128 of the transcript, 32 hex digits.
    pub transcript_hash: Option<String>,
    /// The crash's backtrace in words, innermost frame first, then those of benches that crashed, each under the line of
    /// [`frames_heading`]; empty without a crash or symbols.
    pub crash_frames: Vec<String>,
}

/// The line in [`StoredBoot::crash_frames`] that the backtrace of the bench `id` stands under.
#[must_use]
pub fn frames_heading(id: &str) -> String {
    format!("in {id}:")
}

impl StoredBoot {
    /// The backtrace of the boot's own crash in words.
    #[must_use]
    pub fn own_frames(&self) -> &[String] {
        let headings: Vec<String> = self.crashed_benches().map(frames_heading).collect();
        let end = self.crash_frames.iter().position(|line| headings.contains(line));
        &self.crash_frames[..end.unwrap_or(self.crash_frames.len())]
    }

    /// The backtrace of the bench `id`, which crashed, in words.
    #[must_use]
    pub fn bench_frames(&self, id: &str) -> &[String] {
        let headings: Vec<String> = self.crashed_benches().map(frames_heading).collect();
        let heading = frames_heading(id);
        let Some(at) = self.crash_frames.iter().position(|line| *line == heading) else { return &[] };
        let rest = &self.crash_frames[at + 1..];
        let end = rest.iter().position(|line| headings.contains(line));
        &rest[..end.unwrap_or(rest.len())]
    }

    fn crashed_benches(&self) -> impl Iterator<Item = &str> {
        self.boot.benches.iter().filter(|bench| bench.crash.is_some()).map(|bench| bench.id.as_str())
    }
}

/// The boots that one plan asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What was asked.
    pub head: RunHead,
    /// What came, in order.
    pub boots: Vec<StoredBoot>,
}

impl Run {
    /// The plan; `None` if it is not known or this version does not understand it.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        self.head.plan()
    }

    /// Whether its boots measured two builds in turn, so that each bench stands there for both sides.
    #[must_use]
    pub fn is_paired(&self) -> bool {
        let mut records = self.boots.iter().flat_map(|stored| &stored.boot.benches);
        self.head.command == PAIRED || records.any(|record| record.side.is_some())
    }

    /// What figures mean, by the first boot that tells.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.boots.iter().find_map(|stored| stored.boot.clock.as_ref()).map(|clock| clock.mode)
    }

    /// The image that ran, by the first boot that tells.
    #[must_use]
    pub fn image_hash(&self) -> Option<&str> {
        let hello = self.boots.iter().find_map(|stored| stored.boot.hello.as_ref())?;
        Some(&hello.image_hash)
    }

    /// What figures depend on besides the image, by the first boot that tells.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let telling = self.boots.iter().map(|stored| &stored.boot).find(|boot| boot.machine.is_some());
        let boot = telling.or_else(|| self.boots.first().map(|stored| &stored.boot));
        boot.map(|boot| Fingerprint::of_boot(boot, self.plan().as_ref())).unwrap_or_default()
    }

    /// The fields in which boots with benches differ from the first that tells its machine. Figures of boots that differ
    /// must not be pooled.
    fn mixed(&self) -> Vec<Difference> {
        let (fingerprint, image) = (self.fingerprint(), self.image_hash());
        let plan = self.plan();
        let mut found: Vec<Difference> = Vec::new();
        for boot in self.boots.iter().map(|stored| &stored.boot).filter(|boot| !boot.benches.is_empty()) {
            let mut differences = fingerprint.differences(&Fingerprint::of_boot(boot, plan.as_ref()));
            let told = boot.hello.as_ref().map(|hello| hello.image_hash.as_str());
            if let Some((image, told)) = image.zip(told).filter(|(image, told)| image != told) {
                differences.push(Difference { field: "image".into(), a: image.into(), b: told.into() });
            }
            differences.retain(|new| found.iter().all(|old| old.field != new.field));
            found.append(&mut differences);
        }
        found
    }

    /// Which benches were asked for, in words.
    #[must_use]
    pub fn selection(&self) -> Option<String> {
        Some(selection_of(&self.plan()?))
    }

    /// The run, or only its boot `number`, as one side of a comparison; `None` if it has no such boot.
    #[must_use]
    pub fn side(&self, number: Option<u32>) -> Option<Side> {
        let is_chosen = |stored: &&StoredBoot| number.is_none_or(|number| stored.number == number);
        let part =
            Self { head: self.head.clone(), boots: self.boots.iter().filter(is_chosen).cloned().collect() };
        let benches = |stored: &StoredBoot| {
            let clock = stored.boot.clock.as_ref();
            let of = |record| [Some(SideBench::of(record, clock)), SideBench::of_cold(record, clock)];
            stored.boot.benches.iter().flat_map(of).flatten().collect()
        };
        (!part.boots.is_empty()).then(|| Side {
            name: number.map_or_else(|| self.head.id.clone(), |number| format!("{}:{number}", self.head.id)),
            image_hash: part.image_hash().map(str::to_owned),
            fingerprint: part.fingerprint(),
            mode: part.mode(),
            selection: part.selection(),
            mixed: part.mixed(),
            boots: part.boots.iter().map(benches).collect(),
        })
    }
}

/// Which benches `plan` asks for, in words.
fn selection_of(plan: &Plan) -> String {
    let scales = match plan.scales {
        ScaleChoice::Smallest => "smallest",
        ScaleChoice::Middle => "middle",
        ScaleChoice::All => "all",
    };
    let benches = if plan.filter.is_empty() { "all benches".to_owned() } else { plan.filter.join(" ") };
    format!("{benches}, {scales} scales")
}

/// A new run id, from the operating system's random numbers.
///
/// # Errors
/// They cannot be read.
pub fn new_run_id() -> io::Result<String> {
    random_hex::<4>()
}

/// `BYTES` random bytes in hex digits.
pub(crate) fn random_hex<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
