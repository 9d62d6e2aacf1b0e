//! The identity of the kernel inside an image.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use perf_kernel::run::fingerprint;

use super::ImageError;
use super::plan::{Access, with_root};

/// The kernel's file in the image's file system.
const KERNEL_FILE_NAME: &str = "kernel-x86_64";

/// The XXH3-128 of the kernel in the image at `image`, as its `hello` must say it; `None` if there is no kernel in it.
///
/// # Errors
/// Refuses files that are no images.
pub fn kernel_hash(image: &Path) -> Result<Option<String>, ImageError> {
    with_root(image, Access::Read, |root| {
        let has_kernel = root.iter().flatten().any(|entry| entry.file_name() == KERNEL_FILE_NAME);
        if !has_kernel {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        root.open_file(KERNEL_FILE_NAME)?.read_to_end(&mut bytes)?;
        Ok(Some(fingerprint(&bytes)))
    })
}

/// Whether the debug information in `elf` is that of the image with the hash `image_hash`: a program that is measured
/// itself has that hash, and a kernel has it in a file beside it, as images hold it stripped.
#[must_use]
pub fn is_elf_of(elf: &Path, image_hash: &str) -> bool {
    let beside = std::fs::read_to_string(hash_file(elf));
    beside.is_ok_and(|text| text.trim() == image_hash)
        || std::fs::read(elf).is_ok_and(|bytes| fingerprint(&bytes) == image_hash)
}

/// The file beside `elf` that holds the hash of the stripped kernel.
pub(super) fn hash_file(elf: &Path) -> PathBuf {
    elf.with_extension("image-hash")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_elf_belongs_to_the_image_that_its_hash_file_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let elf = folder.path().join("perf-kernel");
        std::fs::write(&elf, b"with debug information").expect("room");
        assert!(!is_elf_of(&elf, &fingerprint(b"stripped")));
        assert!(
            is_elf_of(&elf, &fingerprint(b"with debug information")),
            "a program that is measured as it is"
        );
        std::fs::write(hash_file(&elf), fingerprint(b"stripped")).expect("room");
        assert!(is_elf_of(&elf, &fingerprint(b"stripped")));
    }
}
