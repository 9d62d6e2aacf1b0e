//! Ciphers, digests, signatures and random numbers.
//!
//! The algorithms come from the RustCrypto, BLAKE3 and dalek crates, which choose their instructions by what the CPU
//! offers at run time. Here are the types that make misuse hard: keys that are erased, nonces that do not repeat,
//! strict verification, and a generator that gives nothing before it has entropy.

mod aead;
mod entropy;
mod hash;
mod jitter;
mod random;
mod sign;
#[cfg(test)]
mod vectors;

pub use aead::{
    AeadError, AeadKey, Aes256GcmKey, ChaCha20Poly1305Key, KEY_BYTES, NONCE_BYTES, Nonce, NonceSequence,
    NoncesExhausted, TAG_BYTES, Tag, hardware_aes,
};
pub use entropy::{EntropyError, EntropySource, HealthFailure, HealthTest, SEED_BYTES, Seed};
pub use hash::{Blake3, DIGEST_BYTES, Digest, Sha256, blake3, sha256};
pub use jitter::Jitter;
pub use random::{Generator, RandomError};
pub use sign::{
    PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, SIGNATURE_BYTES, SignError, Signature, SigningKey, VerifyingKey,
};
