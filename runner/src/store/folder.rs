//! Where results lie.

use std::env;
use std::path::{Path, PathBuf};

use super::StoreError;

/// The database and the folder of transcripts beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    database: PathBuf,
}

impl Folder {
    /// The place that the user chose, or else the one by the "XDG Base Directory Specification".
    ///
    /// # Errors
    /// The user chose none and has no home.
    pub fn find(chosen: Option<&Path>) -> Result<Self, StoreError> {
        let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Self::choose(chosen, folder("XDG_DATA_HOME"), folder("HOME"))
    }

    fn choose(
        chosen: Option<&Path>,
        data: Option<PathBuf>,
        home: Option<PathBuf>,
    ) -> Result<Self, StoreError> {
        if let Some(database) = chosen {
            return Ok(Self { database: database.to_owned() });
        }
        let data = data.or_else(|| Some(home?.join(".local/share"))).ok_or(StoreError::NoHome)?;
        Ok(Self { database: data.join("multios-perf/results.db") })
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The folder of transcripts.
    #[must_use]
    pub fn transcripts(&self) -> PathBuf {
        self.database.with_file_name("transcripts")
    }

    /// Where the bytes of boot `number` of `run` go.
    #[must_use]
    pub fn transcript(&self, run: &str, number: u32) -> PathBuf {
        self.transcripts().join(format!("{run}-{number}.transcript"))
    }

    /// Where what the transcripts of `run` do not tell goes.
    #[must_use]
    pub fn side_file(&self, run: &str) -> PathBuf {
        self.transcripts().join(format!("{run}.run.json"))
    }

    /// The mark that `run` has while it is being made.
    #[must_use]
    pub fn live_mark(&self, run: &str) -> PathBuf {
        self.transcripts().join(format!("{run}.live"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_lie_beside_the_database() {
        let folder = Folder::choose(Some(Path::new("/lab/night.db")), None, None).expect("chosen");
        assert_eq!(folder.transcript("3f2a91bc", 2), Path::new("/lab/transcripts/3f2a91bc-2.transcript"));
    }

    #[test]
    fn without_a_choice_the_data_folder_serves() {
        let home = Some(PathBuf::from("/home/u"));
        let folder = Folder::choose(None, None, home.clone()).expect("a home");
        assert_eq!(folder.database(), Path::new("/home/u/.local/share/multios-perf/results.db"));
        let folder = Folder::choose(None, Some("/data".into()), home).expect("a data folder");
        assert_eq!(folder.database(), Path::new("/data/multios-perf/results.db"));
        assert!(matches!(Folder::choose(None, None, None), Err(StoreError::NoHome)));
    }
}
