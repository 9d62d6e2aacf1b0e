//! What a controller and its namespaces say of themselves.

use alloc::string::String;

use multios_core::storage::{BlockError, Geometry};

/// Bytes of every structure that a device identifies itself by.
pub(super) const IDENTITY_BYTES: usize = 4096;

/// What is of use of Identify Controller (NVM Express Base Specification 1.4, figure 247).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ControllerIdentity {
    /// The serial number without padding; `None` if it is blank or not text.
    pub(super) serial: Option<String>,
    /// Pages of a transfer at most; `None` for no limit.
    pub(super) transfer_pages_max: Option<usize>,
    /// Whether there is a cache that a flush empties.
    pub(super) has_cache: bool,
}

/// What is of use of Identify Namespace (figure 245).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NamespaceIdentity {
    /// Its size.
    pub(super) geometry: Geometry,
    /// Whether it takes no writes.
    pub(super) is_read_only: bool,
}

impl ControllerIdentity {
    pub(super) fn read(bytes: &[u8; IDENTITY_BYTES]) -> Self {
        let serial = core::str::from_utf8(&bytes[4..24]).unwrap_or_default();
        let serial = serial.trim_matches([' ', '\0']);
        let is_text = !serial.is_empty() && serial.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let transfer = match bytes[77] {
            0 => None,
            // More is no limit to what is asked for here.
            order => Some(1_usize.checked_shl(u32::from(order)).unwrap_or(usize::MAX)),
        };
        Self {
            serial: is_text.then(|| serial.into()),
            transfer_pages_max: transfer,
            has_cache: bytes[525] & 1 != 0,
        }
    }
}

impl NamespaceIdentity {
    /// # Errors
    /// A size that makes no sense, or blocks with metadata, which are not driven.
    pub(super) fn read(bytes: &[u8; IDENTITY_BYTES]) -> Result<Self, BlockError> {
        const BLOCK_BITS: core::ops::RangeInclusive<u8> = 9..=16;
        let blocks = bytes.first_chunk().map_or(0, |size| u64::from_le_bytes(*size));
        let format = 128 + 4 * usize::from(bytes[26] & 0xf);
        let metadata = u16::from_le_bytes([bytes[format], bytes[format + 1]]);
        let block_bits = bytes[format + 2];
        if blocks == 0 || !BLOCK_BITS.contains(&block_bits) {
            return Err(BlockError::Malformed("its size makes no sense"));
        }
        if metadata != 0 {
            return Err(BlockError::Malformed("its blocks carry metadata"));
        }
        let geometry = Geometry { block_bytes: 1 << block_bits, blocks };
        Ok(Self { geometry, is_read_only: bytes[99] & 1 != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(blocks: u64, format: u8, metadata: u8, bits: u8) -> [u8; IDENTITY_BYTES] {
        let mut bytes = [0; IDENTITY_BYTES];
        bytes[..8].copy_from_slice(&blocks.to_le_bytes());
        bytes[26] = format;
        let place = 128 + 4 * usize::from(format);
        bytes[place] = metadata;
        bytes[place + 2] = bits;
        bytes
    }

    #[test]
    fn the_format_in_use_gives_the_block() {
        let identity = NamespaceIdentity::read(&namespace(100, 3, 0, 12)).expect("it makes sense");
        assert_eq!(identity.geometry, Geometry { block_bytes: 4096, blocks: 100 });
    }

    #[test]
    fn sizes_without_sense_and_metadata_are_refused() {
        for bytes in
            [namespace(0, 0, 0, 9), namespace(9, 0, 0, 8), namespace(9, 0, 0, 63), namespace(9, 1, 8, 9)]
        {
            assert!(matches!(NamespaceIdentity::read(&bytes), Err(BlockError::Malformed(_))));
        }
    }

    #[test]
    fn a_serial_number_is_text_without_padding() {
        let mut bytes = [b' '; IDENTITY_BYTES];
        assert_eq!(ControllerIdentity::read(&bytes).serial, None);
        bytes[4..8].copy_from_slice(b"S-12");
        assert_eq!(ControllerIdentity::read(&bytes).serial.as_deref(), Some("S-12"));
        bytes[5] = 0xff;
        assert_eq!(ControllerIdentity::read(&bytes).serial, None);
    }
}
