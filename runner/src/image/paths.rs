//! Where `make perf-image` puts what it builds.

use std::path::{Path, PathBuf};

use crate::config::Firmware;

/// The files of one build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePaths {
    /// The image for BIOS: an MBR, the loader, a FAT file system.
    pub bios: PathBuf,
    /// The image for UEFI: a GPT with a FAT file system.
    pub uefi: PathBuf,
    /// The kernel with its debug information, for the addresses of a crash.
    pub kernel: PathBuf,
}

impl ImagePaths {
    /// The files in `folder`, whether there or not.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            bios: folder.join("multios-perf-bios.img"),
            uefi: folder.join("multios-perf-uefi.img"),
            kernel: folder.join("perf-kernel"),
        }
    }

    /// The image that `firmware` boots.
    #[must_use]
    pub fn for_firmware(&self, firmware: Firmware) -> &Path {
        match firmware {
            Firmware::Bios => &self.bios,
            Firmware::Uefi => &self.uefi,
        }
    }
}
