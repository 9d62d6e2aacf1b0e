//! Authenticated encryption: AES-256-GCM (NIST SP 800-38D) and ChaCha20-Poly1305 (RFC 8439).

use core::fmt;

use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::{AeadInOut, KeyInit};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;

/// Bytes of a tag.
pub const TAG_BYTES: usize = 16;

/// A key of the cipher `Cipher`, ready for use. It is erased when dropped.
pub struct AeadKey<Cipher>(Cipher);

/// A key of AES-256-GCM.
pub type Aes256GcmKey = AeadKey<aes_gcm::Aes256Gcm>;

/// A key of ChaCha20-Poly1305.
pub type ChaCha20Poly1305Key = AeadKey<chacha20poly1305::ChaCha20Poly1305>;

/// A number that a key is used with once.
///
/// Two messages sealed with one key and one nonce give away their difference, and with AES-GCM the means to forge
/// more. [`NonceSequence`] gives numbers that do not repeat.
#[derive(Debug, PartialEq, Eq)]
pub struct Nonce([u8; NONCE_BYTES]);

/// What proves that a message was sealed with the key.
#[derive(Clone, Copy, Debug)]
pub struct Tag([u8; TAG_BYTES]);

/// Why a message is not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AeadError {
    /// Longer than the cipher can seal with one nonce (about 64 GiB with AES-GCM, 256 GiB with ChaCha20).
    #[error("seal a message: it is too long for one nonce")]
    TooLong,
    /// The key, nonce, associated data, ciphertext or tag is not that of the sealed message.
    #[error("open a message: it is not authentic")]
    NotAuthentic,
}

impl<Cipher> AeadKey<Cipher>
where
    Cipher: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit<KeySize = U32>,
{
    /// Expands `secret`, which stays the caller's to erase.
    #[must_use]
    pub fn new(secret: &[u8; KEY_BYTES]) -> Self {
        Self(Cipher::new(secret.into()))
    }

    /// Encrypts `message` where it lies, and authenticates it together with `associated` data.
    ///
    /// # Errors
    /// The message is too long; it is unchanged.
    #[inline]
    pub fn seal_in_place(
        &self,
        nonce: &Nonce,
        associated: &[u8],
        message: &mut [u8],
    ) -> Result<Tag, AeadError> {
        let tag = self.0.encrypt_inout_detached((&nonce.0).into(), associated, message.into());
        tag.map(|tag| Tag(tag.into())).map_err(|_| AeadError::TooLong)
    }

    /// Verifies `message` and `associated` data by `tag`, and decrypts the message where it lies.
    ///
    /// # Errors
    /// The message is not authentic; it is unchanged.
    #[inline]
    pub fn open_in_place(
        &self,
        nonce: &Nonce,
        associated: &[u8],
        message: &mut [u8],
        tag: &Tag,
    ) -> Result<(), AeadError> {
        let opened =
            self.0.decrypt_inout_detached((&nonce.0).into(), associated, message.into(), (&tag.0).into());
        opened.map_err(|_| AeadError::NotAuthentic)
    }
}

impl<Cipher> fmt::Debug for AeadKey<Cipher> {
    /// Writes no part of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey")
    }
}

impl Nonce {
    /// A nonce that the caller knows to be fresh, or that came with a message to open.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; NONCE_BYTES]) -> Self {
        Self(bytes)
    }

    /// What is sent with the message.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; NONCE_BYTES] {
        &self.0
    }
}

impl Tag {
    /// A tag that came with a message.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; TAG_BYTES]) -> Self {
        Self(bytes)
    }

    /// What is sent with the message.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; TAG_BYTES] {
        &self.0
    }
}

/// Nonces of one sender under one key: four bytes that name the sender, then a count (NIST SP 800-38D section 8.2.1,
/// deterministic construction).
#[derive(Debug)]
pub struct NonceSequence {
    sender: [u8; 4],
    next: Option<u64>,
}

/// Every nonce of a sequence was used; the key must be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("choose a nonce: every one was used with this key")]
pub struct NoncesExhausted;

impl NonceSequence {
    /// The nonces of `sender` from the first. Make one for each key and sender.
    #[must_use]
    pub const fn new(sender: [u8; 4]) -> Self {
        Self::starting_at(sender, 0)
    }

    /// The nonces of `sender` from number `next`, for a sequence that was put down.
    #[must_use]
    pub const fn starting_at(sender: [u8; 4], next: u64) -> Self {
        Self { sender, next: Some(next) }
    }

    /// The next nonce.
    ///
    /// # Errors
    /// There is none left.
    pub fn next_nonce(&mut self) -> Result<Nonce, NoncesExhausted> {
        let number = self.next.ok_or(NoncesExhausted)?;
        self.next = number.checked_add(1);
        let mut bytes = [0; NONCE_BYTES];
        let (sender, count) = bytes.split_at_mut(self.sender.len());
        sender.copy_from_slice(&self.sender);
        count.copy_from_slice(&number.to_be_bytes());
        Ok(Nonce(bytes))
    }
}

/// Whether AES uses the CPU's instructions for it rather than arithmetic in constant time.
#[must_use]
pub fn hardware_aes() -> bool {
    aes_gcm::aes::hardware_accelerated()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::vectors::{array, bytes};
    use proptest::prelude::*;
    use std::vec::Vec;

    /// A published vector.
    struct Vector {
        key: &'static str,
        nonce: &'static str,
        associated: &'static str,
        message: &'static str,
        sealed: &'static str,
        tag: &'static str,
    }

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16.
    const GCM: [Vector; 4] = [
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            nonce: "000000000000000000000000",
            associated: "",
            message: "",
            sealed: "",
            tag: "530f8afbc74536b9a963b4f1c4cb738b",
        },
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            nonce: "000000000000000000000000",
            associated: "",
            message: "00000000000000000000000000000000",
            sealed: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919",
        },
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            associated: "",
            message: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                      1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            tag: "b094dac5d93471bdec1a502270e3cc6c",
        },
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            message: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                      1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b",
        },
    ];

    /// RFC 8439 section 2.8.2.
    const CHACHA: Vector = Vector {
        key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        nonce: "070000004041424344454647",
        associated: "50515253c0c1c2c3c4c5c6c7",
        message: "4c616469657320616e642047656e746c656d656e206f662074686520636c6173
                  73206f66202739393a204966204920636f756c64206f6666657220796f75206f
                  6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73
                  637265656e20776f756c642062652069742e",
        sealed: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
                 3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
                 92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
                 3ff4def08e4b7a9de576d26586cec64b6116",
        tag: "1ae10b594f09e26a7e902ecbd0600691",
    };

    fn holds<Cipher>(vector: &Vector)
    where
        Cipher: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit<KeySize = U32>,
    {
        let key = AeadKey::<Cipher>::new(&array(vector.key));
        let nonce = Nonce::from_bytes(array(vector.nonce));
        let associated = bytes(vector.associated);
        let mut message = bytes(vector.message);
        let tag = key.seal_in_place(&nonce, &associated, &mut message).expect("a short message");
        assert_eq!(message, bytes(vector.sealed));
        assert_eq!(tag.as_bytes()[..], bytes(vector.tag));
        assert_eq!(key.open_in_place(&nonce, &associated, &mut message, &tag), Ok(()));
        assert_eq!(message, bytes(vector.message));
    }

    #[test]
    fn aes_256_gcm_gives_the_published_answers() {
        GCM.iter().for_each(holds::<aes_gcm::Aes256Gcm>);
    }

    #[test]
    fn chacha20_poly1305_gives_the_published_answer() {
        holds::<chacha20poly1305::ChaCha20Poly1305>(&CHACHA);
    }

    /// Flips bit `bit` of what `part` names; none of it may open, and the message must stay as it is.
    fn refuses_tampering<Cipher>(message: &[u8], part: usize, bit: usize)
    where
        Cipher: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit<KeySize = U32>,
    {
        let flip = |bytes: &mut [u8]| {
            let place = bit / 8 % bytes.len();
            bytes[place] ^= 1 << (bit % 8);
        };
        let (mut secret, mut nonce, mut associated) = ([1; KEY_BYTES], [2; NONCE_BYTES], [3; 20]);
        let mut sealed = Vec::from(message);
        let key = AeadKey::<Cipher>::new(&secret);
        let tag = key.seal_in_place(&Nonce::from_bytes(nonce), &associated, &mut sealed);
        let mut tag = *tag.expect("a short message").as_bytes();
        match part {
            0 => flip(&mut secret),
            1 => flip(&mut nonce),
            2 => flip(&mut associated),
            3 => flip(&mut tag),
            _ => flip(&mut sealed),
        }
        let before = sealed.clone();
        let key = AeadKey::<Cipher>::new(&secret);
        let nonce = Nonce::from_bytes(nonce);
        let opened = key.open_in_place(&nonce, &associated, &mut sealed, &Tag::from_bytes(tag));
        assert_eq!(opened, Err(AeadError::NotAuthentic));
        assert_eq!(sealed, before);
    }

    proptest! {
        #[test]
        fn one_flipped_bit_anywhere_is_refused(
            message in proptest::collection::vec(any::<u8>(), 1..1_000),
            part in 0_usize..5,
            bit in 0_usize..8_000,
        ) {
            refuses_tampering::<aes_gcm::Aes256Gcm>(&message, part, bit);
            refuses_tampering::<chacha20poly1305::ChaCha20Poly1305>(&message, part, bit);
        }
    }

    #[test]
    fn keys_are_erased_when_dropped_and_never_printed() {
        const fn is_erased<Cipher: zeroize::ZeroizeOnDrop>() {}
        const { is_erased::<aes_gcm::Aes256Gcm>() };
        const { is_erased::<chacha20poly1305::ChaCha20Poly1305>() };
        assert_eq!(std::format!("{:?}", Aes256GcmKey::new(&[7; KEY_BYTES])), "AeadKey");
    }

    #[test]
    fn nonces_do_not_repeat_and_run_out() {
        let mut nonces = NonceSequence::new(*b"disk");
        assert_eq!(nonces.next_nonce().map(|nonce| *nonce.as_bytes()), Ok(*b"disk\0\0\0\0\0\0\0\0"));
        assert_eq!(nonces.next_nonce().map(|nonce| *nonce.as_bytes()), Ok(*b"disk\0\0\0\0\0\0\0\x01"));
        let mut nonces = NonceSequence::starting_at(*b"disk", u64::MAX);
        assert!(nonces.next_nonce().is_ok());
        assert_eq!(nonces.next_nonce(), Err(NoncesExhausted));
        assert_eq!(nonces.next_nonce(), Err(NoncesExhausted));
    }
}
