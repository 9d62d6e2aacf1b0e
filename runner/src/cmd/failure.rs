//! Errors as one sentence and an exit code.

use std::io;
use std::path::PathBuf;

use anyhow::Error;
use perf_kernel::plan::PlanError;
use perf_kernel::suites::SelectionError;

use crate::ab::AbError;
use crate::baseline::BaselineFileError;
use crate::bisect::RepositoryError;
use crate::collect::CollectCause;
use crate::config::ConfigError;
use crate::exit_code;
use crate::image::ImageError;
use crate::layout::LayoutError;
use crate::performance::TestError;
use crate::report::BaselineError;
use crate::serve::{ServeError, TokenError};
use crate::source::SourceError;
use crate::store::StoreError;
use crate::tracking::AcknowledgeError;

/// What only the command line finds wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// A transcript without a single record.
    #[error("replay {path}: it holds no record of a benchmark kernel; name a file that a run has kept")]
    NoRecords {
        /// The file.
        path: PathBuf,
    },
    /// A file of the user's that cannot be used.
    #[error("{what}: {reason}")]
    File {
        /// What was tried, with the file.
        what: String,
        /// Why it failed and what to do.
        reason: String,
    },
    /// Something that must be there and is not.
    #[error("{what}: not found; {remedy}")]
    Missing {
        /// What was looked for, with its path.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A command line that cannot be carried out as it stands.
    #[error("{what}: {reason}")]
    Usage {
        /// What was asked for.
        what: String,
        /// Why that cannot be and what to write instead.
        reason: String,
    },
    /// A run that does not deserve what was asked for it.
    #[error("{what}: {reason}")]
    Refused {
        /// What was tried.
        what: String,
        /// Why it was refused, and what would force it.
        reason: String,
    },
    /// Two things that are not alike enough for what was asked.
    #[error("{what}: {reason}")]
    NotComparable {
        /// What was tried.
        what: String,
        /// In what they differ.
        reason: String,
    },
    /// A run that has not what was asked of it.
    #[error("{what}: {reason}")]
    NoSuchBoot {
        /// What was tried.
        what: String,
        /// What the run has.
        reason: String,
    },
}

/// `error` with what was being done, where it names only the thing that is missing.
pub(super) fn while_doing(doing: String, error: SourceError) -> Error {
    match error {
        SourceError::Missing { .. } => Error::new(error).context(doing),
        SourceError::Io { .. } | SourceError::Qemu(_) => error.into(),
    }
}

/// One sentence for people: what failed, where, and what to do.
pub(super) fn sentence(error: &Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // A `#[source]` whose text its owner has quoted already says nothing new.
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
    }
    format!("failed to {}", parts.join(": "))
}

/// The exit code of the first cause that has one.
pub(super) fn exit_code(error: &Error) -> u8 {
    error.chain().find_map(code_of).unwrap_or(exit_code::INTERNAL)
}

fn code_of(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if let Some(error) = cause.downcast_ref::<CommandError>() {
        return Some(match error {
            CommandError::NoRecords { .. } | CommandError::File { .. } => exit_code::CONFIGURATION,
            CommandError::Missing { .. } => exit_code::MISSING,
            CommandError::NoSuchBoot { .. } => exit_code::NO_SUCH_RUN,
            CommandError::Usage { .. } => exit_code::USAGE,
            CommandError::Refused { .. } => exit_code::INVALID,
            CommandError::NotComparable { .. } => exit_code::NOT_COMPARABLE,
        });
    }
    if let Some(error) = cause.downcast_ref::<TestError>() {
        return of_test(error);
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return Some(of_store(error));
    }
    if let Some(error) = cause.downcast_ref::<RepositoryError>() {
        return Some(match error {
            RepositoryError::NoGit(_) => exit_code::MISSING,
            RepositoryError::NoSuchRevision(_) => exit_code::NO_SUCH_RUN,
            RepositoryError::Failed { .. } | RepositoryError::NotInOrder { .. } => exit_code::CONFIGURATION,
        });
    }
    if let Some(error) = cause.downcast_ref::<AcknowledgeError>() {
        return Some(match error {
            AcknowledgeError::Store(error) => of_store(error),
            AcknowledgeError::Reason => exit_code::USAGE,
            AcknowledgeError::NoSuchFinding { .. } | AcknowledgeError::NotAcknowledged(_) => {
                exit_code::NO_SUCH_RUN
            }
        });
    }
    if let Some(error) = cause.downcast_ref::<TokenError>() {
        return Some(match error {
            TokenError::Open { .. } | TokenError::Unusable { .. } => exit_code::CONFIGURATION,
            TokenError::Io { error, .. } => of_io(error).unwrap_or(exit_code::CONFIGURATION),
        });
    }
    if let Some(error) = cause.downcast_ref::<ServeError>() {
        return Some(match error {
            ServeError::Listen { .. } => exit_code::USAGE,
            ServeError::Start(_) => exit_code::INTERNAL,
            ServeError::Store(error) => of_store(error),
        });
    }
    if let Some(error) = cause.downcast_ref::<SourceError>() {
        return Some(of_source(error));
    }
    if let Some(error) = cause.downcast_ref::<ImageError>() {
        return Some(of_image(error));
    }
    if let Some(error) = cause.downcast_ref::<CollectCause>() {
        return Some(of_collect(error));
    }
    if let Some(error) = cause.downcast_ref::<AbError>() {
        return Some(of_ab(error));
    }
    if let Some(error) = cause.downcast_ref::<LayoutError>() {
        return Some(of_layout(error));
    }
    let is_configuration = cause.is::<ConfigError>()
        || cause.is::<PlanError>()
        || cause.is::<SelectionError>()
        || cause.is::<BaselineError>()
        || cause.is::<BaselineFileError>();
    if is_configuration {
        return Some(exit_code::CONFIGURATION);
    }
    cause.downcast_ref::<io::Error>().and_then(of_io)
}

/// `None` where the cause below has the code.
fn of_test(error: &TestError) -> Option<u8> {
    match error {
        // These pass for their cause, so that no chain shows it.
        TestError::Image(error) => Some(of_image(error)),
        TestError::Collect(error) => Some(of_collect(error)),
        TestError::Store(error) => Some(of_store(error)),
        TestError::NotStored { error, .. } => Some(of_store(error)),
        TestError::Missing { .. } => Some(exit_code::MISSING),
        TestError::NoSuchCategory { .. } | TestError::Selection(_) | TestError::Plan(_) => {
            Some(exit_code::CONFIGURATION)
        }
        _ => None,
    }
}

fn of_store(error: &StoreError) -> u8 {
    match error {
        StoreError::Newer { .. } => exit_code::DATABASE_NEWER,
        StoreError::Busy { .. } => exit_code::DATABASE_BUSY,
        StoreError::Unusable { .. } => exit_code::DATABASE_UNUSABLE,
        StoreError::Full { .. } => exit_code::DISK_FULL,
        StoreError::NoSuchRun { .. } => exit_code::NO_SUCH_RUN,
        StoreError::NoHome => exit_code::CONFIGURATION,
        StoreError::Sqlite { .. } => exit_code::INTERNAL,
        StoreError::Io { error, .. } => of_io(error).unwrap_or(exit_code::INTERNAL),
    }
}

fn of_ab(error: &AbError) -> u8 {
    match error {
        AbError::NotARepository { .. } | AbError::Missing { .. } => exit_code::MISSING,
        AbError::UnknownRevision { .. } => exit_code::NO_SUCH_RUN,
        AbError::Manifest { .. } | AbError::CandidateBroken { .. } => exit_code::CONFIGURATION,
        AbError::Unusable { .. } | AbError::InterfaceChanged { .. } | AbError::BaseBroken { .. } => {
            exit_code::NOT_COMPARABLE
        }
        AbError::Program { .. } | AbError::BuildStopped { .. } => exit_code::INTERNAL,
        AbError::Layout(error) => of_layout(error),
        AbError::Io { error, .. } => of_io(error).unwrap_or(exit_code::INTERNAL),
    }
}

fn of_layout(error: &LayoutError) -> u8 {
    match error {
        LayoutError::Missing { .. } => exit_code::MISSING,
        LayoutError::Configuration { .. } => exit_code::CONFIGURATION,
        LayoutError::Io { error, .. } => of_io(error).unwrap_or(exit_code::INTERNAL),
        LayoutError::NotBuilt { .. } | LayoutError::Alike { .. } | LayoutError::NotRead { .. } => {
            exit_code::INTERNAL
        }
    }
}

fn of_image(error: &ImageError) -> u8 {
    match error {
        ImageError::Missing { .. } => exit_code::MISSING,
        ImageError::Io { error, .. } => of_io(error).unwrap_or(exit_code::INTERNAL),
        _ => exit_code::CONFIGURATION,
    }
}

fn of_collect(error: &CollectCause) -> u8 {
    match error {
        CollectCause::Transcript(error) => of_io(error).unwrap_or(exit_code::INTERNAL),
        CollectCause::Source(error) => of_source(error),
        CollectCause::NewerFormat { .. } | CollectCause::OtherRun { .. } => exit_code::SOURCE_BROKE,
    }
}

fn of_source(error: &SourceError) -> u8 {
    match error {
        SourceError::Missing { .. } => exit_code::MISSING,
        SourceError::Io { error, .. } => of_io(error).unwrap_or(exit_code::SOURCE_BROKE),
        SourceError::Qemu(_) => exit_code::SOURCE_BROKE,
    }
}

fn of_io(error: &io::Error) -> Option<u8> {
    match error.kind() {
        io::ErrorKind::NotFound => Some(exit_code::MISSING),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Some(exit_code::DISK_FULL)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_first_cause_with_a_code_decides() {
        let error = SelectionError::NoSuchBench("memory/aloc".into());
        let error = Err::<(), _>(error).context("select benches").expect_err("wrong");
        assert_eq!(exit_code(&error), exit_code::CONFIGURATION);
        let expected = "failed to select benches: no bench id begins with \"memory/aloc\"; \
                        `multios-perf list` shows them all";
        assert_eq!(sentence(&error), expected);
    }

    #[test]
    fn a_cause_that_was_quoted_is_not_said_twice() {
        let error = SourceError::Missing { what: "qemu".into(), remedy: "make setup".into() };
        let error = Error::new(CollectCause::from(error));
        assert_eq!(sentence(&error), "failed to qemu: not found; make setup");
        assert_eq!(exit_code(&error), exit_code::MISSING);
    }

    #[test]
    fn a_missing_thing_is_told_with_what_it_was_for() {
        let error = SourceError::Missing { what: "qemu".into(), remedy: "make setup".into() };
        let error = while_doing("boot".into(), error);
        assert_eq!(sentence(&error), "failed to boot: qemu: not found; make setup");
        assert_eq!(exit_code(&error), exit_code::MISSING);
    }

    #[test]
    fn a_full_disk_has_its_code_wherever_it_shows() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let errors = [
            Error::new(StoreError::io("write x", full())),
            Error::new(CollectCause::Transcript(full())),
            Error::new(full()).context("write report"),
        ];
        assert!(errors.iter().all(|error| exit_code(error) == exit_code::DISK_FULL));
    }
}
