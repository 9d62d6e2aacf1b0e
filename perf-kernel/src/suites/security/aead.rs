//! Sealing and opening messages.
//!
//! Both ciphers add a key stream to the message, and it is the same as long as key and nonce are. So what is sealed in
//! place a second time is the plain message again: the message has two states, and each iteration takes it from one to
//! the other, without a copy in the measured region. The tags of both are known, computed with OpenSSL 3 for
//! the key 00 01 02 ... 1f, the nonce 00 01 02 ... 0b and no associated data.

use core::hint::black_box;

use multios_core::security::{
    AeadError, Aes256GcmKey, ChaCha20Poly1305Key, KEY_BYTES, NONCE_BYTES, Nonce, TAG_BYTES, Tag, hardware_aes,
};

use super::message::{hex, known, message};
use crate::measure::{BenchError, Bencher, Expected};
use crate::units::Bytes;

/// Tags of sealing the plain and of sealing the sealed message.
type Tags = [[u8; TAG_BYTES]; 2];

const AES_TAGS: [(u64, Tags); 4] = [
    (64, [hex("44fb31796b7c5af2318f12e1ec2c4362"), hex("a28c8b561d55600fff0ca2617dc8097e")]),
    (1 << 10, [hex("ebadabf7b43e476861c4eb02b67a53c6"), hex("7951f0420227cafc5535834c79d02fb8")]),
    (16 << 10, [hex("e4e39589f054c81a179183c007fcfd5a"), hex("96f7e85d51c371a98fa894e11f4abc1c")]),
    (1 << 20, [hex("0ca914370996144ba39ca9a8852d9a9b"), hex("67c7cf666ea91db0f196acd0e44a571a")]),
];

const CHACHA_TAGS: [(u64, Tags); 4] = [
    (64, [hex("12ccd3f87522adf137c06f3496d9562e"), hex("fea85c851ba9089c42f0bc69e88f6d22")]),
    (1 << 10, [hex("6d496aeb4ff08e6392e25268cd7aabe0"), hex("5f637a2f6a27162cdaecb73fbf5c61d1")]),
    (16 << 10, [hex("f6bc4410b73ffb9b8415af445b63c339"), hex("7d635589afda1596c82767a907ca209f")]),
    (1 << 20, [hex("31193a3fb4aec135ba76fc2a0b33b2b8"), hex("0cef09bcb5ee1b9190d92a37a14ad78d")]),
];

/// One iteration seals the message in place with AES-256-GCM.
pub(super) fn seal_aes(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.add_figure("hardware_aes", hardware_aes().into());
    let key = Aes256GcmKey::new(&secret());
    let tags = known(bencher, &AES_TAGS)?;
    seal(bencher, tags, &|nonce, message| key.seal_in_place(nonce, &[], message))
}

/// One iteration opens the message in place with AES-256-GCM.
pub(super) fn open_aes(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.add_figure("hardware_aes", hardware_aes().into());
    let key = Aes256GcmKey::new(&secret());
    let tags = known(bencher, &AES_TAGS)?;
    open(bencher, tags, &|nonce, message, tag| key.open_in_place(nonce, &[], message, tag))
}

/// One iteration seals the message in place with ChaCha20-Poly1305.
pub(super) fn seal_chacha(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let key = ChaCha20Poly1305Key::new(&secret());
    let tags = known(bencher, &CHACHA_TAGS)?;
    seal(bencher, tags, &|nonce, message| key.seal_in_place(nonce, &[], message))
}

/// One iteration opens the message in place with ChaCha20-Poly1305.
pub(super) fn open_chacha(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let key = ChaCha20Poly1305Key::new(&secret());
    let tags = known(bencher, &CHACHA_TAGS)?;
    open(bencher, tags, &|nonce, message, tag| key.open_in_place(nonce, &[], message, tag))
}

fn seal(
    bencher: &mut Bencher<'_>,
    tags: Tags,
    seal: &impl Fn(&Nonce, &mut [u8]) -> Result<Tag, AeadError>,
) -> Result<(), BenchError> {
    let (mut message, nonce) = (message(bencher)?, nonce());
    bencher.set_bytes(Bytes(bencher.scale()));
    let mut is_sealed = false;
    bencher.measure(Expected::Each(1), || {
        let tag = seal(black_box(&nonce), message.as_mut_slice());
        let expected = &tags[usize::from(is_sealed)];
        is_sealed = !is_sealed;
        u64::from(tag.is_ok_and(|tag| tag.as_bytes() == expected))
    })
}

fn open(
    bencher: &mut Bencher<'_>,
    tags: Tags,
    open: &impl Fn(&Nonce, &mut [u8], &Tag) -> Result<(), AeadError>,
) -> Result<(), BenchError> {
    let (mut message, nonce) = (message(bencher)?, nonce());
    let tags = tags.map(Tag::from_bytes);
    bencher.set_bytes(Bytes(bencher.scale()));
    // The plain message is also what sealing the sealed one gives: opening it gives the sealed one.
    let plain_end = last_word(message.as_slice());
    open(&nonce, message.as_mut_slice(), &tags[1])
        .map_err(|error| BenchError::Failed(alloc::format!("a known message: {error}")))?;
    let ends = [plain_end, last_word(message.as_slice())];
    let mut is_sealed = true;
    bencher.measure(Expected::Each(1), || {
        let tag = &tags[usize::from(!is_sealed)];
        let opened = open(black_box(&nonce), message.as_mut_slice(), tag);
        is_sealed = !is_sealed;
        u64::from(opened.is_ok() && last_word(message.as_slice()) == ends[usize::from(is_sealed)])
    })?;
    refuses_tampering(message.as_mut_slice(), &nonce, &tags[usize::from(!is_sealed)], open)
}

/// A message with one bit flipped must not open.
fn refuses_tampering(
    message: &mut [u8],
    nonce: &Nonce,
    tag: &Tag,
    open: &impl Fn(&Nonce, &mut [u8], &Tag) -> Result<(), AeadError>,
) -> Result<(), BenchError> {
    message.first_mut().into_iter().for_each(|byte| *byte ^= 1);
    match open(nonce, message, tag) {
        Err(AeadError::NotAuthentic) => Ok(()),
        _ => Err(BenchError::Failed("a message with a flipped bit was opened".into())),
    }
}

fn secret() -> [u8; KEY_BYTES] {
    counting()
}

fn nonce() -> Nonce {
    Nonce::from_bytes(counting::<NONCE_BYTES>())
}

/// The bytes 0, 1, 2 and so on.
fn counting<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(0..).for_each(|(byte, value)| *byte = value);
    bytes
}

fn last_word(message: &[u8]) -> [u8; 8] {
    message.last_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn takes_turns(scale: u64, tags: Tags, seal: impl Fn(&Nonce, &mut [u8]) -> Result<Tag, AeadError>) {
        let length = usize::try_from(scale).expect("a small scale");
        let plain: Vec<u8> = (0..=250).cycle().take(length).collect();
        let mut message = plain.clone();
        for expected in tags {
            let tag = seal(&nonce(), &mut message).expect("a short message");
            assert_eq!(tag.as_bytes(), &expected, "{scale} bytes");
        }
        assert_eq!(message, plain);
    }

    #[test]
    fn the_known_tags_are_those_of_sealing_twice() {
        let (aes, chacha) = (Aes256GcmKey::new(&secret()), ChaCha20Poly1305Key::new(&secret()));
        for (scale, tags) in AES_TAGS {
            takes_turns(scale, tags, |nonce, message| aes.seal_in_place(nonce, &[], message));
        }
        for (scale, tags) in CHACHA_TAGS {
            takes_turns(scale, tags, |nonce, message| chacha.seal_in_place(nonce, &[], message));
        }
    }

    #[test]
    fn an_implementation_that_opens_everything_is_found_out() {
        let opened = refuses_tampering(&mut [0; 16], &nonce(), &Tag::from_bytes([0; 16]), &|_, _, _| Ok(()));
        assert!(matches!(opened, Err(BenchError::Failed(_))));
    }
}
