//! Links a program at each layout, by LLD's `--shuffle-sections` with a seed of its own: every function has a section of
//! its own, and lies at a random place.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use toml::Table;

use super::{LayoutError, symbols};
use crate::ab::Product;

/// How many layouts there are.
pub const LAYOUTS: usize = 4;

/// Where all lies, below the project's folder.
const FOLDER: &str = "target/layout";
/// Cargo's settings, with the call that builds the kernel.
const SETTINGS: &str = ".cargo/config.toml";
/// LLD under the name by which the compiler's driver looks for a linker, below the compiler's folder.
const LINKERS: &str = "lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld";

/// Where the program of `layout`, from 1, lies below the project's folder.
#[must_use]
pub fn program(product: Product, layout: usize) -> PathBuf {
    Path::new(FOLDER).join(layout.to_string()).join(product.name())
}

/// Links `product` of the project in the current folder at every layout and holds the layouts to differ.
///
/// # Errors
/// See [`LayoutError`].
pub fn build(product: Product) -> Result<Vec<PathBuf>, LayoutError> {
    let call = call(product)?;
    let (before_seed, linker) = match product {
        Product::Kernel => ("-Clink-arg=--shuffle-sections=.text.*=", Vec::new()),
        Product::Hosted => ("-Clink-arg=-Wl,--shuffle-sections=.text.*=", driver_arguments()?),
    };
    let mut programs = Vec::new();
    for layout in 1..=LAYOUTS {
        let mut command = Command::new("cargo");
        command.args(&call).arg("--target-dir").arg(Path::new(FOLDER).join("build"));
        command.arg("--").args(&linker).arg(format!("{before_seed}{layout}"));
        if product == Product::Kernel {
            // As in the Makefile.
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET").stdin(Stdio::null());
        let status = command.status().map_err(started("cargo"))?;
        if !status.success() {
            return Err(LayoutError::NotBuilt { layout, status: status.to_string() });
        }
        let built = Path::new(FOLDER).join("build").join(product.place());
        let kept = program(product, layout);
        let folder = kept.parent().unwrap_or(&kept);
        fs::create_dir_all(folder).map_err(io("make", folder))?;
        fs::copy(&built, &kept).map_err(io("copy", &built))?;
        programs.push(kept);
    }
    symbols::require_different(&programs)?;
    Ok(programs)
}

/// The ordinary call of cargo as one that takes arguments for the compiler of the program alone.
fn call(product: Product) -> Result<Vec<String>, LayoutError> {
    let call: Vec<String> = match product {
        Product::Hosted => product.arguments().iter().copied().map(str::to_owned).collect(),
        Product::Kernel => {
            let path = Path::new(SETTINGS);
            let text = fs::read_to_string(path).map_err(io("read", path))?;
            alias(&text).ok_or(LayoutError::Configuration {
                path: path.to_owned(),
                reason: "it has no alias `kernel` that builds",
            })?
        }
    };
    Ok(call
        .into_iter()
        .enumerate()
        .map(|(place, word)| if place == 0 { "rustc".to_owned() } else { word })
        .collect())
}

/// What `cargo kernel` stands for in the settings `text`; `None` if it builds nothing.
fn alias(text: &str) -> Option<Vec<String>> {
    let settings: Table = text.parse().ok()?;
    let words = settings.get("alias")?.get("kernel")?.as_array()?;
    let words: Option<Vec<String>> = words.iter().map(|word| word.as_str().map(str::to_owned)).collect();
    words.filter(|words| words.first().is_some_and(|word| word == "build"))
}

/// What makes the C compiler link by LLD.
fn driver_arguments() -> Result<Vec<String>, LayoutError> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().map_err(started("rustc"))?;
    let folder = Path::new(String::from_utf8_lossy(&output.stdout).trim()).join(LINKERS);
    let mut arguments = vec![format!("-Clink-arg=-B{}", folder.display())];
    // Some distributions have it there as `ld` alone, which the driver takes unasked.
    if folder.join("ld.lld").exists() {
        arguments.push("-Clink-arg=-fuse-ld=lld".to_owned());
    }
    Ok(arguments)
}

fn started(program: &'static str) -> impl FnOnce(std::io::Error) -> LayoutError {
    move |error| match error.kind() {
        ErrorKind::NotFound => LayoutError::Missing { program, remedy: "run `make setup`" },
        _ => LayoutError::Io { what: "run", path: program.into(), error },
    }
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LayoutError {
    move |error| LayoutError::Io { what, path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_built_as_the_project_builds_it() {
        let text = include_str!("../../../.cargo/config.toml");
        let words = alias(text).expect("it builds");
        assert!(words.iter().any(|word| word == "-Zbuild-std=core,alloc"), "{words:?}");
    }

    #[test]
    fn settings_without_a_build_are_refused() {
        assert_eq!(alias("[alias]\nkernel = [\"clippy\"]\n"), None);
        assert_eq!(alias("[alias]\nkernel = \"build\"\n"), None);
        assert_eq!(alias("not settings"), None);
    }
}
