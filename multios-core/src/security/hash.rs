//! Digests: SHA-256 (FIPS 180-4) and BLAKE3.

use sha2::Digest as _;
use zeroize::Zeroize;

/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 32;

/// A digest of either function.
pub type Digest = [u8; DIGEST_BYTES];

/// The SHA-256 digest of `data`.
#[inline]
#[must_use]
pub fn sha256(data: &[u8]) -> Digest {
    sha2::Sha256::digest(data).into()
}

/// The BLAKE3 digest of `data`.
#[inline]
#[must_use]
pub fn blake3(data: &[u8]) -> Digest {
    ::blake3::hash(data).into()
}

/// SHA-256 of data that comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Of no data yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Digest {
        self.0.finalize().into()
    }
}

/// BLAKE3 of data that comes in pieces, perhaps with a key. It is erased when dropped, since it holds the key.
#[derive(Clone, Debug, Default)]
pub struct Blake3(::blake3::Hasher);

impl Blake3 {
    /// Of no data yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A message authentication code: only who has `key` can compute it.
    #[must_use]
    pub fn with_key(key: &[u8; 32]) -> Self {
        Self(::blake3::Hasher::new_keyed(key))
    }

    /// Adds a piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(&self) -> Digest {
        self.0.finalize().into()
    }

    /// As many bytes as `output` has, of which [`finish`](Self::finish) gives the first.
    pub fn finish_into(&self, output: &mut [u8]) {
        self.0.finalize_xof().fill(output);
    }
}

impl Drop for Blake3 {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::vectors::{array, pattern};
    use proptest::prelude::*;

    /// FIPS 180-4 examples: one block, two blocks, many blocks; and the digest of nothing.
    #[test]
    fn sha_256_gives_the_published_answers() {
        let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        for (data, digest) in [
            (&b""[..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (two_blocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            (&[b'a'; 1_000_000], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] {
            assert_eq!(sha256(data), array::<32>(digest));
        }
    }

    /// The official test vectors, around the edges of blocks, chunks and subtrees.
    #[test]
    fn blake3_gives_the_published_answers() {
        for (length, digest) in [
            (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
            (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
            (63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"),
            (64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"),
            (65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"),
            (1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
            (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
            (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
            (2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"),
            (8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"),
            (102_400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
        ] {
            assert_eq!(blake3(&pattern(length)), array::<32>(digest), "{length} bytes");
        }
        let mut keyed = Blake3::with_key(b"whats the Elvish word for friend");
        keyed.update(&pattern(64));
        let digest = array("ba8ced36f327700d213f120b1a207a3b8c04330528586f414d09f2f7d9ccb7e6");
        assert_eq!(keyed.finish(), digest);
    }

    proptest! {
        #[test]
        fn pieces_give_the_digest_of_the_whole(
            data in proptest::collection::vec(any::<u8>(), 0..5_000),
            piece in 1_usize..2_000,
        ) {
            let (mut sha, mut blake) = (Sha256::new(), Blake3::new());
            for piece in data.chunks(piece) {
                sha.update(piece);
                blake.update(piece);
            }
            let mut long = [0; 100];
            blake.finish_into(&mut long);
            prop_assert_eq!(sha.finish(), sha256(&data));
            prop_assert_eq!(blake.finish(), blake3(&data));
            prop_assert_eq!(&long[..DIGEST_BYTES], &blake3(&data));
        }
    }
}
