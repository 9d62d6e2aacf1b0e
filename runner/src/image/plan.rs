//! The run plan inside an image.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use perf_kernel::plan::{PLAN_FILE_BYTES, pad, trim};

use super::ImageError;
use super::partition::{self, Window};

/// The plan's file in the image's file system: what the loader gives to the kernel as its ramdisk.
pub const PLAN_FILE_NAME: &str = "ramdisk";

/// The plan that a new image has: what it says is the default, and what may be said stands beside it.
pub const DEFAULT_PLAN: &str = include_str!("default-plan.toml");

/// Replaces the plan in the image at `image` (a file, or a stick that one was copied to) by `plan_text`.
///
/// # Errors
/// Refuses files that are no images and plans that are too long; the image is then as it was.
pub fn write_plan(image: &Path, plan_text: &str) -> Result<(), ImageError> {
    let plan = pad(plan_text)?;
    with_root(image, Access::Write, |root| {
        // A file that a person edited may have another length: it gets its own back.
        let mut file = root.open_file(PLAN_FILE_NAME)?;
        file.write_all(&plan)?;
        file.truncate()?;
        file.flush()
    })
}

/// The plan in the image at `image`, without padding.
///
/// # Errors
/// Refuses files that are no images, and images whose plan is not text.
pub fn read_plan(image: &Path) -> Result<String, ImageError> {
    let bytes = with_root(image, Access::Read, |root| {
        let mut bytes = Vec::new();
        let bytes_max = PLAN_FILE_BYTES as u64;
        root.open_file(PLAN_FILE_NAME)?.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(bytes)
    })?;
    let text = std::str::from_utf8(trim(&bytes));
    text.map(str::to_owned).map_err(|_| perf_kernel::plan::PlanError::NotText.into())
}

/// What is done to an image.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// Files are read.
    Read,
    /// Files are written.
    Write,
}

/// The root folder of an image's file system.
pub(super) type Root<'a> = fatfs::Dir<'a, Window<File>>;

/// Does `work` on the file system in the image at `image`.
///
/// # Errors
/// Refuses files that are no images, and passes on what `work` says.
pub(super) fn with_root<T>(
    image: &Path,
    access: Access,
    work: impl FnOnce(&Root<'_>) -> io::Result<T>,
) -> Result<T, ImageError> {
    let is_writing = matches!(access, Access::Write);
    let mut file = OpenOptions::new()
        .read(true)
        .write(is_writing)
        .open(image)
        .map_err(ImageError::io("open image", image))?;
    let range = partition::find(&mut file, image)?;
    // Reading must not write: without this the library sets the volume's "dirty" mark.
    let options = fatfs::FsOptions::new().update_accessed_date(false);
    let system = fatfs::FileSystem::new(Window::new(file, range), options)
        .map_err(|error| ImageError::not_an_image(image, format!("its file system is damaged ({error})")))?;
    let result = work(&system.root_dir()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            ImageError::not_an_image(image, format!("it has no file \"{PLAN_FILE_NAME}\""))
        }
        _ => ImageError::io("change the plan in", image)(error),
    })?;
    if is_writing {
        system.unmount().map_err(ImageError::io("write", image))?;
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom};
    use std::path::PathBuf;

    const PARTITION_START: u64 = 63;
    const PARTITION_SECTORS: u64 = 4096;

    /// An image whose partition begins at an odd sector, as those of the loader do.
    fn image(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
        let path = folder.join("image");
        let mut file =
            OpenOptions::new().read(true).write(true).create_new(true).open(&path).expect("a new file");
        file.set_len((PARTITION_START + PARTITION_SECTORS) * 512).expect("there is room");
        let mut entry = [0; 16];
        entry[4] = 0x0c;
        entry[8..12].copy_from_slice(&u32::try_from(PARTITION_START).expect("small").to_le_bytes());
        entry[12..].copy_from_slice(&u32::try_from(PARTITION_SECTORS).expect("small").to_le_bytes());
        file.seek(SeekFrom::Start(446 + 16)).expect("inside");
        file.write_all(&entry).expect("it fits");
        file.seek(SeekFrom::Start(510)).expect("inside");
        file.write_all(&[0x55, 0xaa]).expect("it fits");
        fill(file, PARTITION_START * 512..(PARTITION_START + PARTITION_SECTORS) * 512, files);
        path
    }

    fn fill(file: File, range: std::ops::Range<u64>, files: &[(&str, &[u8])]) {
        let mut window = Window::new(file, range);
        fatfs::format_volume(&mut window, fatfs::FormatVolumeOptions::new()).expect("it can be formatted");
        window.rewind().expect("inside");
        let system = fatfs::FileSystem::new(window, fatfs::FsOptions::new()).expect("it is new");
        for (name, contents) in files {
            let mut file = system.root_dir().create_file(name).expect("there is room");
            file.write_all(contents).expect("there is room");
        }
        system.unmount().expect("it is intact");
    }

    fn scratch() -> tempfile::TempDir {
        tempfile::tempdir().expect("there is room")
    }

    #[test]
    fn a_written_plan_reads_back_and_nothing_else_moves() {
        let folder = scratch();
        let plan = pad("preset = \"full\"\n").expect("it is short");
        let kernel = vec![7; 300_000];
        let path = image(folder.path(), &[("kernel-x86_64", &kernel), ("ramdisk", &plan)]);
        let before = std::fs::read(&path).expect("it is there");
        write_plan(&path, "preset = \"quick\"\nnonce = \"n\"\n").expect("it is an image");
        assert_eq!(read_plan(&path).expect("it is an image"), "preset = \"quick\"\nnonce = \"n\"");
        let after = std::fs::read(&path).expect("it is there");
        let changed: Vec<usize> = (0..after.len()).filter(|at| before[*at] != after[*at]).collect();
        assert!(changed.len() < 60, "{} bytes changed", changed.len());
        write_plan(&path, "preset = \"full\"").expect("it is an image");
        assert_eq!(std::fs::read(&path).expect("it is there"), before);
    }

    #[test]
    fn a_plan_that_a_person_made_shorter_gets_its_length_back() {
        let folder = scratch();
        let path = image(folder.path(), &[("ramdisk", b"seed = 2")]);
        assert_eq!(read_plan(&path).expect("it is an image"), "seed = 2");
        write_plan(&path, "seed = 3").expect("it is an image");
        assert_eq!(read_plan(&path).expect("it is an image"), "seed = 3");
        let mut length = 0;
        with_root(&path, Access::Read, |root| {
            length = root.open_file("ramdisk")?.seek(SeekFrom::End(0))?;
            Ok(())
        })
        .expect("it is an image");
        assert_eq!(length, PLAN_FILE_BYTES as u64);
    }

    #[test]
    fn a_plan_that_a_person_made_longer_gets_its_length_back() {
        let folder = scratch();
        let path = image(folder.path(), &[("ramdisk", &vec![b'#'; 3 * PLAN_FILE_BYTES])]);
        write_plan(&path, "seed = 3").expect("it is an image");
        assert_eq!(read_plan(&path).expect("it is an image"), "seed = 3");
    }

    #[test]
    fn reading_does_not_write() {
        let folder = scratch();
        let path = image(folder.path(), &[("ramdisk", b"seed = 2")]);
        let before = std::fs::read(&path).expect("it is there");
        read_plan(&path).expect("it is an image");
        assert_eq!(std::fs::read(&path).expect("it is there"), before);
    }

    #[test]
    fn the_partition_of_a_gpt_is_found() {
        let folder = scratch();
        let path = folder.path().join("image");
        let mut disk = vec![0; 4096 * 512];
        disk[446 + 4] = 0xee;
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        disk[512..520].copy_from_slice(b"EFI PART");
        disk[512 + 72] = 2;
        disk[512 + 80] = 128;
        disk[512 + 84] = 128;
        let entry = 2 * 512 + 128;
        disk[entry..entry + 16].copy_from_slice(&[
            0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b,
        ]);
        disk[entry + 32] = 40;
        disk[entry + 40..entry + 42].copy_from_slice(&3999_u16.to_le_bytes());
        std::fs::write(&path, disk).expect("there is room");
        let file = OpenOptions::new().read(true).write(true).open(&path).expect("it is there");
        fill(file, 40 * 512..4000 * 512, &[("ramdisk", b"seed = 4")]);
        assert_eq!(read_plan(&path).expect("it is an image"), "seed = 4");
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let folder = scratch();
        let message = |path: &Path| write_plan(path, "").expect_err("it is no image").to_string();
        let missing = folder.path().join("missing");
        assert!(message(&missing).ends_with("missing: not found; build it with `make perf-image`"));
        let short = folder.path().join("short");
        std::fs::write(&short, b"x").expect("there is room");
        assert!(message(&short).contains("shorter than a partition table"));
        let noise = folder.path().join("noise");
        std::fs::write(&noise, vec![0xa5; 4096]).expect("there is room");
        assert!(message(&noise).contains("no partition with a plan"));
        let path = image(folder.path(), &[("other", b"")]);
        assert!(message(&path).contains("it has no file \"ramdisk\""));
        let file = OpenOptions::new().write(true).open(&path).expect("it is there");
        file.set_len(4096).expect("shorter is possible");
        assert!(message(&path).contains("shorter than its partition table says"));
    }

    #[test]
    fn a_plan_that_is_too_long_changes_nothing() {
        let folder = scratch();
        let path = image(folder.path(), &[("ramdisk", b"seed = 2")]);
        assert!(write_plan(&path, &"#".repeat(PLAN_FILE_BYTES + 1)).is_err());
        assert_eq!(read_plan(&path).expect("it is an image"), "seed = 2");
    }

    #[test]
    fn the_default_plan_is_the_quick_one() {
        assert_eq!(perf_kernel::plan::parse(DEFAULT_PLAN.as_bytes()), Ok(perf_kernel::plan::Plan::quick()));
    }
}
