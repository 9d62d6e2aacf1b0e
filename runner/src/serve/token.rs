//! The token: who knows it may change things.

use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::store::random_hex;

/// Bytes of randomness in a token that is made here.
const RANDOM_BYTES: usize = 24;

/// A shorter token could be guessed.
const LENGTH_MIN: usize = 16;

/// A longer one is no token.
const LENGTH_MAX: usize = 1024;

/// Bits of a file's mode that let others than its owner at it.
const OTHERS: u32 = 0o077;

/// A secret text. It is never shown by `Debug`.
#[derive(Clone)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Others may read it.
    #[error("use the token in {path}: others may read or write it (mode {mode:03o}); do `chmod 600 {path}` and repeat", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is no token.
    #[error(
        "use the token in {path}: it is one line of {LENGTH_MIN} to {LENGTH_MAX} printable characters without spaces; \
         remove the file to have one made", path = path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What it says.
        error: io::Error,
    },
}

impl Token {
    /// A new token from the operating system's random numbers, kept in memory only.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn generate() -> Result<Self, TokenError> {
        let failed = |error| TokenError::Io { what: "make a token".to_owned(), error };
        random_hex::<RANDOM_BYTES>().map(Self).map_err(failed)
    }

    /// The token that the file at `path` holds. A file that is missing is made, for its owner alone.
    ///
    /// # Errors
    /// Others may read the file, or it holds no token, or it can be neither read nor made.
    pub fn from_file(path: &Path) -> Result<Self, TokenError> {
        let failed = |what: &str, error| TokenError::Io { what: format!("{what} {}", path.display()), error };
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let token = Self::generate()?;
                let written = writeln!(file, "{}", token.0);
                written.map_err(|error| {
                    // Half a token is none.
                    let _ = fs::remove_file(path);
                    failed("write the token to", error)
                })?;
                return Ok(token);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("make the token file", error)),
        }
        let read = || -> io::Result<(u32, String)> {
            let file = File::open(path)?;
            let mode = file.metadata()?.mode() & 0o777;
            let mut text = String::new();
            file.take(u64::try_from(LENGTH_MAX).unwrap_or(u64::MAX).saturating_add(2))
                .read_to_string(&mut text)?;
            Ok((mode, text))
        };
        let unusable = || TokenError::Unusable { path: path.to_owned() };
        let (mode, text) = match read() {
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(unusable()),
            read => read.map_err(|error| failed("read the token from", error))?,
        };
        if mode & OTHERS != 0 {
            return Err(TokenError::Open { path: path.to_owned(), mode });
        }
        Self::of(text.trim_end_matches(['\r', '\n'])).ok_or_else(unusable)
    }

    /// `text` as a token; `None` if it is too short or too long, or has anything but printable ASCII.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        ((LENGTH_MIN..=LENGTH_MAX).contains(&text.len()) && is_printable).then(|| Self(text.to_owned()))
    }

    /// Whether `text` is this token. Takes as long for any text of its length.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        is_equal(&self.0, text)
    }

    /// The token for its owner's eyes.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Whether two secrets are equal, in a time that depends on their lengths alone.
pub(super) fn is_equal(a: &str, b: &str) -> bool {
    let differing = a.bytes().zip(b.bytes()).fold(0, |bits, (a, b)| black_box(bits | (a ^ b)));
    a.len() == b.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        (folder, path)
    }

    #[test]
    fn a_missing_file_is_made_for_its_owner_alone_and_read_again() {
        let (_folder, path) = place();
        let made = Token::from_file(&path).expect("room");
        assert_eq!(fs::metadata(&path).expect("made").mode() & 0o777, 0o600);
        let read = Token::from_file(&path).expect("made before");
        assert!(read.is(made.reveal()) && !read.is("") && !read.is(&made.reveal()[1..]));
        assert_eq!(format!("{made:?}"), "Token(..)");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let (_folder, path) = place();
        Token::from_file(&path).expect("room");
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
            let error = Token::from_file(&path).expect_err("open to others").to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let (_folder, path) = place();
        Token::from_file(&path).expect("room");
        let texts: [&[u8]; 5] =
            [b"", b"short\n", b"sixteen letters and spaces\n", b"\xff\xfe0123456789abcdef", &[b'x'; 5000]];
        for text in texts {
            fs::write(&path, text).expect("ours");
            assert!(matches!(Token::from_file(&path), Err(TokenError::Unusable { .. })), "{text:?}");
        }
        fs::write(&path, b"0123456789abcdef\r\n").expect("ours");
        assert!(Token::from_file(&path).expect("a token").is("0123456789abcdef"));
    }

    #[test]
    fn secrets_are_equal_only_to_themselves() {
        assert!(is_equal("abc", "abc") && is_equal("", ""));
        assert!(!is_equal("abc", "abd") && !is_equal("abc", "ab") && !is_equal("", "a"));
    }
}
