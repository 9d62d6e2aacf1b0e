//! Signing and verifying the 64-byte message of RFC 8032 section 7.1, test SHA(abc).

use core::hint::black_box;

use multios_core::security::{SIGNATURE_BYTES, SignError, Signature, SigningKey};

use super::message::hex;
use crate::measure::{BenchError, Bencher, Expected};

const SECRET: [u8; 32] = hex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42");

const MESSAGE: [u8; 64] = hex(concat!(
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a",
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
));

const SIGNATURE: [u8; SIGNATURE_BYTES] = hex(concat!(
    "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589",
    "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
));

/// One iteration signs 64 bytes.
pub(super) fn sign(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let key = SigningKey::from_bytes(&SECRET);
    bencher.measure(Expected::Each(1), || {
        let signature = key.sign(black_box(&MESSAGE));
        u64::from(signature.as_bytes() == &SIGNATURE)
    })
}

/// One iteration verifies that signature.
pub(super) fn verify(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let key = SigningKey::from_bytes(&SECRET).verifying_key();
    let signature = Signature::from_bytes(SIGNATURE);
    bencher.measure(Expected::Each(1), || {
        u64::from(key.verify(black_box(&MESSAGE), black_box(&signature)).is_ok())
    })?;
    let mut forged = MESSAGE;
    forged[0] ^= 1;
    match key.verify(&forged, &signature) {
        Err(SignError::BadSignature) => Ok(()),
        _ => Err(BenchError::Failed("a signature holds for a message with a flipped bit".into())),
    }
}
