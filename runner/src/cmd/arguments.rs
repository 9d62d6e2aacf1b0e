//! What may stand on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use perf_kernel::plan::ScaleChoice;

use super::ab::AbCommand;
use super::audit::AuditOptions;
use super::baseline::BaselineOptions;
use super::bisect::BisectOptions;
use super::check::CheckOptions;
use super::compare::CompareOptions;
use super::detect::DetectOptions;
use super::findings::FindingsOptions;
use super::history::HistoryOptions;
use super::layout::LayoutCommand;
use super::report::ReportOptions;
use super::serve::ServeOptions;
use super::watch::WatchOptions;
use crate::performance::Purpose;
use crate::store::Selector;

/// Boots the benchmark kernel, collects what it measures, and compares.
#[derive(Debug, Parser)]
#[command(name = "multios-perf", version, max_term_width = 110)]
#[command(after_help = "Exit codes: docs/exit-codes.md. JSON for scripts: docs/json.md.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Boot the kernel image in QEMU and report what it measured
    Run(RunOptions),
    /// Run the same suites as a Linux process on this machine
    Hosted(HostedOptions),
    /// Read kept transcripts again, store what is not stored, and report
    Replay(ReplayOptions),
    /// List the benches with their scales, limits and needs
    List(ListOptions),
    /// List the stored runs
    Runs(StoreOptions),
    /// Report a stored run
    Show(ShowOptions),
    /// Compare two runs, sets of boots, or the boots of a run
    Compare(CompareOptions),
    /// Judge a run against a baseline, with an exit code for a gate
    Check(CheckOptions),
    /// Pin, roll, list, export and import baselines
    Baseline(BaselineOptions),
    /// Measure two builds of multios-core in one image, in turn
    #[command(subcommand)]
    Ab(AbCommand),
    /// Measure one program linked at four layouts: does where code lies change figures?
    #[command(subcommand)]
    Layout(LayoutCommand),
    /// Show the history of a bench, with what changed and where it is going
    History(HistoryOptions),
    /// List what the histories show; say why one may stay
    Findings(FindingsOptions),
    /// Measure false alarms, recall and withdrawals of the detector on stored histories
    Audit(AuditOptions),
    /// Find change points in the series of a CSV file
    Detect(DetectOptions),
    /// Narrow down where a finding begins
    Bisect(BisectOptions),
    /// Write a run as HTML, Markdown, JUnit and other formats
    Report(ReportOptions),
    /// Show machines, runs, histories and findings in a browser
    Serve(ServeOptions),
    /// Follow a run in the terminal
    Watch(WatchOptions),
    /// Say what building and running needs, found or missing, with the remedy
    Doctor,
}

/// What every boot takes.
#[derive(Args, Clone, Debug)]
pub(super) struct BootOptions {
    /// Boots, one after the other [default: 1; 12 of two builds and 4 of each layout, unless the mode is exact]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) boots: Option<u32>,
    /// quick, standard, full, or a file with the keys of plan.toml
    #[arg(long, value_name = "PRESET|FILE")]
    pub(super) plan: Option<String>,
    /// Run only benches whose id begins so; may be repeated
    #[arg(long, value_name = "PREFIX")]
    pub(super) filter: Vec<String>,
    /// Sizes that run
    #[arg(long, value_enum)]
    pub(super) scales: Option<Scales>,
    /// Where every random input starts from
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: Option<u64>,
    /// Have every sample sent and kept
    #[arg(long)]
    pub(super) raw: bool,
    /// Source revision that is measured [default: what git says of this folder, if its tree is clean]
    #[arg(long, value_name = "NAME")]
    pub(super) revision: Option<String>,
    /// Keep the run out of the histories, as one of an older revision that is measured again
    #[arg(long)]
    pub(super) aside: bool,
    /// Write the report as one page for a browser too, held against the run before
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

impl BootOptions {
    pub(super) fn purpose(&self) -> Purpose {
        if self.aside { Purpose::Aside } else { Purpose::History }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scales {
    /// The smallest size of each bench
    Smallest,
    /// From the smallest to the middle
    Middle,
    /// All
    All,
}

impl From<Scales> for ScaleChoice {
    fn from(scales: Scales) -> Self {
        match scales {
            Scales::Smallest => Self::Smallest,
            Scales::Middle => Self::Middle,
            Scales::All => Self::All,
        }
    }
}

/// Where results go.
#[derive(Args, Clone, Debug)]
pub(super) struct OutputOptions {
    /// Write the results as JSON (docs/json.md); - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the results as CSV; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
    /// Name every skipped bench and every warning
    #[arg(long)]
    pub(super) all: bool,
    /// Print neither progress nor report
    #[arg(long)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

/// Which database.
#[derive(Args, Clone, Debug)]
pub(super) struct StoreOptions {
    /// The database of results; transcripts lie beside it [default: multios-perf/results.db in the data folder]
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) db: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct RunOptions {
    /// The machine, by its name in qemu.toml
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(super) profile: String,
    /// Where the profiles stand
    #[arg(long, value_name = "FILE", default_value = "qemu.toml")]
    pub(super) config: PathBuf,
    /// The image to boot [default: what `make perf-image` builds for the profile's firmware]
    #[arg(long, value_name = "FILE")]
    pub(super) image: Option<PathBuf>,
    #[command(flatten)]
    pub(super) boot: BootOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

#[derive(Args, Clone, Debug)]
pub(super) struct HostedOptions {
    /// The program with the suites [default: perf-hosted beside this program]
    #[arg(long, value_name = "FILE")]
    pub(super) program: Option<PathBuf>,
    /// Longest silence of the program in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) silence: u64,
    #[command(flatten)]
    pub(super) boot: BootOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ReplayOptions {
    /// Transcripts, each of one boot
    #[arg(required = true, value_name = "TRANSCRIPT")]
    pub(super) transcripts: Vec<PathBuf>,
    /// The kernel with its debug information, for the addresses of a crash
    #[arg(long, value_name = "FILE")]
    pub(super) elf: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ListOptions {
    /// Print the JSON array that docs/json.md describes
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ShowOptions {
    /// The run: its id or the beginning of it, `last`, or `last~1` for the one before; `:2` behind it is its second boot
    #[arg(default_value = "last", value_name = "RUN[:BOOT]")]
    pub(super) run: Selector,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn filters_may_be_repeated() {
        let line = ["multios-perf", "run", "--filter", "env/", "--filter", "memory/alloc", "--boots", "2"];
        let Command::Run(options) = Arguments::parse_from(line).command else { panic!("it is a run") };
        assert_eq!(options.boot.filter, ["env/", "memory/alloc"]);
        assert_eq!(options.boot.boots, Some(2));
    }
}
