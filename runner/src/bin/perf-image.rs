//! Builds bootable images from a kernel.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use runner::image::{DEFAULT_PLAN, Inputs, build};

/// Builds the BIOS and the UEFI image from a kernel.
#[derive(Parser)]
struct Arguments {
    /// The kernel with its debug information.
    #[arg(long)]
    kernel: PathBuf,
    /// The folder for the images and the kernel's symbols.
    #[arg(long)]
    output: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let inputs = Inputs { kernel: &arguments.kernel, plan: DEFAULT_PLAN, folder: &arguments.output };
    match build(&inputs) {
        Ok(paths) => {
            println!("{}\n{}\n{}", paths.bios.display(), paths.uefi.display(), paths.kernel.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("perf-image: failed to {error}");
            ExitCode::FAILURE
        }
    }
}
