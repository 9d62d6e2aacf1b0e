//! The UEFI firmware for QEMU.

use std::path::{Path, PathBuf};

/// Where distributions put OVMF, code and variables, below `/usr/share`: Debian, Arch, Fedora.
const PLACES: [(&str, &str); 3] = [
    ("OVMF/OVMF_CODE_4M.fd", "OVMF/OVMF_VARS_4M.fd"),
    ("edk2/x64/OVMF_CODE.4m.fd", "edk2/x64/OVMF_VARS.4m.fd"),
    ("edk2/ovmf/OVMF_CODE.fd", "edk2/ovmf/OVMF_VARS.fd"),
];

/// OVMF as two flash images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareFiles {
    /// The code, which no machine writes to.
    pub code: PathBuf,
    /// The variables; a machine writes to a copy.
    pub variables: PathBuf,
}

/// OVMF of this host, if it is installed.
#[must_use]
pub fn find_firmware() -> Option<FirmwareFiles> {
    find_below(Path::new("/usr/share"))
}

fn find_below(folder: &Path) -> Option<FirmwareFiles> {
    let files = |(code, variables): &(&str, &str)| FirmwareFiles {
        code: folder.join(code),
        variables: folder.join(variables),
    };
    PLACES.iter().map(files).find(|files| files.code.is_file() && files.variables.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_without_variables_is_no_firmware() {
        let folder = tempfile::tempdir().expect("there is room");
        let below = folder.path().join("edk2/ovmf");
        std::fs::create_dir_all(&below).expect("there is room");
        std::fs::write(below.join("OVMF_CODE.fd"), "").expect("there is room");
        assert_eq!(find_below(folder.path()), None);
        std::fs::write(below.join("OVMF_VARS.fd"), "").expect("there is room");
        let files = find_below(folder.path()).expect("both are there");
        assert!(files.code.ends_with("edk2/ovmf/OVMF_CODE.fd"));
    }
}
