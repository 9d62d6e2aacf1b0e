//! Builds images from a kernel.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;

use bootloader::{BiosBoot, BootConfig, UefiBoot};
use perf_kernel::plan::pad;
use perf_kernel::run::fingerprint;

use super::{ImageError, ImagePaths, gpt, kernel};

/// What images are made of.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The kernel with its debug information.
    pub kernel: &'a Path,
    /// The plan that the images get.
    pub plan: &'a str,
    /// Where the images go.
    pub folder: &'a Path,
}

/// Builds both images, and puts the kernel with its debug information beside them. Equal inputs give equal images.
///
/// # Errors
/// See [`ImageError`]. No half-written image takes the place of a good one.
pub fn build(inputs: &Inputs<'_>) -> Result<ImagePaths, ImageError> {
    let plan = pad(inputs.plan)?;
    let folder = inputs.folder;
    std::fs::create_dir_all(folder).map_err(ImageError::io("create folder", folder))?;
    let scratch = tempfile::tempdir_in(folder).map_err(ImageError::io("create a folder in", folder))?;
    // The loader's library names the file system after the kernel's file.
    let stripped = scratch.path().join("perf-kernel");
    strip(inputs.kernel, &stripped)?;
    let ramdisk = scratch.path().join("plan");
    std::fs::write(&ramdisk, plan).map_err(ImageError::io("write", &ramdisk))?;

    let built = ImagePaths::in_folder(scratch.path());
    BiosBoot::new(&stripped)
        .set_boot_config(&boot_config())
        .set_ramdisk(&ramdisk)
        .create_disk_image(&built.bios)
        .map_err(|error| ImageError::Loader { path: built.bios.clone(), reason: format!("{error:#}") })?;
    UefiBoot::new(&stripped)
        .set_boot_config(&boot_config())
        .set_ramdisk(&ramdisk)
        .create_disk_image(&built.uefi)
        .map_err(|error| ImageError::Loader { path: built.uefi.clone(), reason: format!("{error:#}") })?;
    fix_identity(&built.uefi, &stripped)?;

    let symbols = scratch.path().join("symbols");
    std::fs::copy(inputs.kernel, &symbols).map_err(ImageError::io("copy", inputs.kernel))?;
    let paths = ImagePaths::in_folder(folder);
    let hash = fingerprint(&std::fs::read(&stripped).map_err(ImageError::io("read", &stripped))?);
    let hash_file = scratch.path().join("hash");
    std::fs::write(&hash_file, hash).map_err(ImageError::io("write", &hash_file))?;
    let hash_place = kernel::hash_file(&paths.kernel);
    let symbols = [(&symbols, &paths.kernel), (&hash_file, &hash_place)];
    for (from, to) in symbols.into_iter().chain([(&built.bios, &paths.bios), (&built.uefi, &paths.uefi)]) {
        std::fs::rename(from, to).map_err(ImageError::io("write", to))?;
    }
    Ok(paths)
}

/// A silent loader: the UART is the kernel's.
fn boot_config() -> BootConfig {
    let mut config = BootConfig::default();
    config.serial_logging = false;
    config.frame_buffer_logging = false;
    config.frame_buffer.minimum_framebuffer_width = Some(1280);
    config.frame_buffer.minimum_framebuffer_height = Some(720);
    config
}

/// Copies `kernel` to `stripped` without symbols and debug information, which the loader would put into memory.
fn strip(kernel: &Path, stripped: &Path) -> Result<(), ImageError> {
    let objcopy = objcopy()?;
    let program = objcopy.display().to_string();
    let output = Command::new(&objcopy).arg("--strip-all").arg(kernel).arg(stripped).output();
    let failed = |reason: String| ImageError::Program { program: program.clone(), reason };
    let output = output.map_err(|error| failed(error.to_string()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| failed(errors.trim().to_owned()))
}

/// The compiler's own `llvm-objcopy`, which set-up has seen to.
fn objcopy() -> Result<PathBuf, ImageError> {
    let failed = |reason: String| ImageError::Program { program: "rustc --print sysroot".to_owned(), reason };
    let output = Command::new("rustc").args(["--print", "sysroot"]).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let path = sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/llvm-objcopy");
    let missing = || failed(format!("{} is not there; run `make setup`", path.display()));
    path.is_file().then_some(path.clone()).ok_or_else(missing)
}

/// The loader's library gives disk and partition random identities.
fn fix_identity(image: &Path, kernel: &Path) -> Result<(), ImageError> {
    let seed = std::fs::read(kernel).map_err(ImageError::io("read", kernel))?;
    let mut file =
        OpenOptions::new().read(true).write(true).open(image).map_err(ImageError::io("open image", image))?;
    let is_fixed = gpt::fix_identity(&mut file, &seed).map_err(ImageError::io("write", image))?;
    is_fixed.then_some(()).ok_or_else(|| ImageError::not_an_image(image, "it has no partition table"))
}
