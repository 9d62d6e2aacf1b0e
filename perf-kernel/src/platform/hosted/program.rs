//! What the hosted binary does.

use core::panic::AssertUnwindSafe;
use std::boxed::Box;
use std::ffi::OsString;
use std::path::PathBuf;
use std::string::{String, ToString};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

use super::{HostedPlatform, StdioLink};
use crate::arch::{ProcessHeap, counter};
use crate::plan::Plan;
use crate::run::{Identity, NoProgress, Subjects, boot, fingerprint, greet, linger};
use crate::wire::{Crash, EndReason, Record, Sender};

const USAGE: &str = "usage: perf-hosted [--plan FILE]
Runs the benchmark suites as a process. Records go to standard output, commands of the runner come from standard
input. Without a plan the preset `quick` runs.";

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// The plan ran to its end; benches may have failed, which the records tell.
    PlanRan = 0,
    /// The command line cannot be understood, or the plan's file cannot be read.
    Usage = 2,
    /// The plan cannot be run; the `refused` record tells why.
    Refused = 3,
    /// Records could not be written.
    OutputLost = 4,
    /// A panic ended the plan; the `crash` record tells where.
    Crashed = 5,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(match code {
            ExitCode::PlanRan => 0_u8,
            ExitCode::Usage => 2,
            ExitCode::Refused => 3,
            ExitCode::OutputLost => 4,
            ExitCode::Crashed => 5,
        })
    }
}

/// Runs the plan that `arguments` name, without the program's name, for `subjects` on the process with the allocator
/// `memory`.
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    memory: &'static ProcessHeap,
    subjects: Subjects<'_>,
) -> ExitCode {
    let entry = counter::now();
    let plan_file = match parse(arguments) {
        Ok(Asked::Plan(path)) => match path.as_ref().map(std::fs::read).transpose() {
            Ok(file) => file.unwrap_or_default(),
            Err(error) => {
                let path = path.unwrap_or_default();
                std::eprintln!("failed to read the plan {}: {error}", path.display());
                return ExitCode::Usage;
            }
        },
        Ok(Asked::Help) => {
            std::println!("{USAGE}");
            return ExitCode::PlanRan;
        }
        Err(problem) => {
            std::eprintln!("{problem}\n{USAGE}");
            return ExitCode::Usage;
        }
    };
    let image = std::fs::read("/proc/self/exe").unwrap_or_default();
    let image_hash = fingerprint(&image);
    drop(image);
    let mut sender = Sender::new(StdioLink::new());
    let entry_ticks = counter::now().since(entry);
    let Ok(plan) = greet(&mut sender, &Identity { image_hash, plan_file, entry_ticks, resumes: None }) else {
        return ExitCode::Refused;
    };
    run_plan(&mut sender, &plan, memory, subjects)
}

fn run_plan(
    sender: &mut Sender<StdioLink<'_>>,
    plan: &Plan,
    memory: &'static ProcessHeap,
    subjects: Subjects<'_>,
) -> ExitCode {
    let platform = HostedPlatform::new(memory);
    let panic = PanicNote::install();
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        boot(&platform, sender, plan, subjects, &mut NoProgress)
    }));
    let reason = outcome.unwrap_or_else(|_| {
        let crash = Crash {
            cause: "panic".to_string(),
            message: panic.message(),
            bench: platform.running_bench(),
            cpu: u32::try_from(platform.benching_cpu()).unwrap_or(u32::MAX),
            registers: None,
            backtrace: Vec::new(),
            image_base: 0,
            ticks: Some(counter::now()),
        };
        let _ = sender.send(Record::Crash(crash.into()));
        let _ = sender.end(EndReason::Crashed);
        EndReason::Crashed
    });
    linger(&platform, sender, plan, StdioLink::is_gone_or_waits);
    match reason {
        _ if sender.link_mut().is_output_closed() => ExitCode::OutputLost,
        EndReason::Crashed => ExitCode::Crashed,
        EndReason::Refused => ExitCode::Refused,
        // A process resets nothing.
        EndReason::Done | EndReason::FailedBenches | EndReason::Resets | EndReason::Unknown => {
            ExitCode::PlanRan
        }
    }
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Plan(Option<PathBuf>),
    Help,
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Asked, String> {
    let mut plan = None;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Asked::Help),
            Some("--plan") if plan.is_none() => {
                plan = Some(arguments.next().ok_or("--plan needs a file")?.into());
            }
            _ => return Err(std::format!("unexpected argument: {}", argument.to_string_lossy())),
        }
    }
    Ok(Asked::Plan(plan))
}

/// Remembers what a panic said, for the record that tells of it.
struct PanicNote(Arc<Mutex<String>>);

impl PanicNote {
    fn install() -> Self {
        let note = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&note);
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string().replace('\n', " ");
            usual(info);
        }));
        Self(note)
    }

    fn message(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Result<Asked, String> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn the_plan_is_optional() {
        assert_eq!(asked(&[]), Ok(Asked::Plan(None)));
        assert_eq!(asked(&["--plan", "a.toml"]), Ok(Asked::Plan(Some("a.toml".into()))));
        assert_eq!(asked(&["--help"]), Ok(Asked::Help));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(asked(&["--plan"]), Err("--plan needs a file".to_string()));
        assert_eq!(asked(&["--plan", "a", "--plan", "b"]), Err("unexpected argument: --plan".to_string()));
        assert_eq!(asked(&["quick"]), Err("unexpected argument: quick".to_string()));
    }
}
