//! Signatures: Ed25519 (RFC 8032).

use core::fmt;

use ed25519_dalek::Signer;
use zeroize::Zeroizing;

use super::{Generator, RandomError};

/// Bytes of a secret key.
pub const SECRET_KEY_BYTES: usize = 32;

/// Bytes of a public key.
pub const PUBLIC_KEY_BYTES: usize = 32;

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// A key that signs. It is erased when dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

/// A signature as it is sent. It may be anything until it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature([u8; SIGNATURE_BYTES]);

/// Why a key or a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The bytes are no point of the curve, or one of small order, under which anything could be signed.
    #[error("read a public key: it is not valid")]
    BadKey,
    /// The signature is not that of this message under this key.
    #[error("verify a signature: it is not valid")]
    BadSignature,
}

impl SigningKey {
    /// The key whose secret is `secret` (RFC 8032 section 5.1.5), which stays the caller's to erase.
    #[must_use]
    pub fn from_bytes(secret: &[u8; SECRET_KEY_BYTES]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// A new key.
    ///
    /// # Errors
    /// The generator has no entropy.
    pub fn generate(generator: &mut Generator) -> Result<Self, RandomError> {
        let mut secret = Zeroizing::new([0; SECRET_KEY_BYTES]);
        generator.fill(secret.as_mut())?;
        Ok(Self::from_bytes(&secret))
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs `message`; the same message always gives the same signature.
    #[inline]
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    /// Writes no part of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl VerifyingKey {
    /// Reads a public key.
    ///
    /// # Errors
    /// It is no point of the curve, or one of small order.
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, SignError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| SignError::BadKey)?;
        if key.is_weak() { Err(SignError::BadKey) } else { Ok(Self(key)) }
    }

    /// What is sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        self.0.as_bytes()
    }

    /// Verifies strictly: besides RFC 8032 section 5.1.7 it refuses points of small order, so that no signature
    /// holds for two messages.
    ///
    /// # Errors
    /// The signature is not valid.
    #[inline]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignError> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).map_err(|_| SignError::BadSignature)
    }
}

impl Signature {
    /// A signature that came with a message.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SIGNATURE_BYTES]) -> Self {
        Self(bytes)
    }

    /// What is sent with the message.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::vectors::{array, bytes};
    use proptest::prelude::*;

    /// RFC 8032 section 7.1, tests 1 to 3 and SHA(abc): secret, public key, message, signature.
    const VECTORS: [[&str; 4]; 4] = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
        [
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ],
    ];

    #[test]
    fn ed25519_gives_the_published_answers() {
        for [secret, public, message, signature] in VECTORS {
            let key = SigningKey::from_bytes(&array(secret));
            assert_eq!(key.verifying_key().as_bytes(), &array::<32>(public));
            let signed = key.sign(&bytes(message));
            assert_eq!(signed.as_bytes(), &array::<64>(signature));
            let public = VerifyingKey::from_bytes(&array(public)).expect("a valid key");
            assert_eq!(public.verify(&bytes(message), &signed), Ok(()));
        }
    }

    #[test]
    fn keys_of_small_order_and_bytes_off_the_curve_are_refused() {
        let identity = array("0100000000000000000000000000000000000000000000000000000000000000");
        assert_eq!(VerifyingKey::from_bytes(&identity), Err(SignError::BadKey));
        let off_curve = array("0200000000000000000000000000000000000000000000000000000000000000");
        assert_eq!(VerifyingKey::from_bytes(&off_curve), Err(SignError::BadKey));
    }

    #[test]
    fn a_signature_with_a_scalar_beyond_the_group_order_is_refused() {
        let [secret, _, message, _] = VECTORS[2];
        let key = SigningKey::from_bytes(&array(secret));
        let mut signature = *key.sign(&bytes(message)).as_bytes();
        // The group order of RFC 8032 section 5.1, added to the scalar: the same equation, another encoding.
        let order: [u8; 32] = array("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
        let malleable = Signature::from_bytes(signature);
        assert_eq!(key.verifying_key().verify(&bytes(message), &malleable), Err(SignError::BadSignature));
    }

    #[test]
    fn signing_keys_are_erased_when_dropped_and_never_printed() {
        const fn is_erased<Key: zeroize::ZeroizeOnDrop>() {}
        const { is_erased::<ed25519_dalek::SigningKey>() };
        assert_eq!(std::format!("{:?}", SigningKey::from_bytes(&[7; 32])), "SigningKey");
    }

    proptest! {
        #[test]
        fn one_flipped_bit_is_refused(
            secret in any::<[u8; 32]>(),
            mut message in proptest::collection::vec(any::<u8>(), 1..200),
            bit in 0_usize..1_600,
            is_message in any::<bool>(),
        ) {
            let key = SigningKey::from_bytes(&secret);
            let mut signature = *key.sign(&message).as_bytes();
            prop_assert_eq!(key.verifying_key().verify(&message, &Signature(signature)), Ok(()));
            let target = if is_message { &mut message[..] } else { &mut signature };
            let place = bit / 8 % target.len();
            target[place] ^= 1 << (bit % 8);
            let verified = key.verifying_key().verify(&message, &Signature(signature));
            prop_assert_eq!(verified, Err(SignError::BadSignature));
        }
    }
}
