//! A configuration space for tests.

use alloc::collections::BTreeMap;

use super::{Address, Configuration};

/// Words by place; what is not there reads as ones. Writing ones to a base address gives its mask.
#[derive(Default)]
pub(crate) struct ScriptedBus {
    words: BTreeMap<(Address, u8), u32>,
    masks: BTreeMap<(Address, u8), u32>,
    /// How often a base address was written while the function answered.
    pub(crate) decoded_while_sizing: usize,
}

impl ScriptedBus {
    /// Sets a word.
    pub(crate) fn set(&mut self, address: Address, offset: u8, value: u32) {
        self.words.insert((address, offset), value);
    }

    /// A word.
    pub(crate) fn get(&self, address: Address, offset: u8) -> u32 {
        self.words.get(&(address, offset)).copied().unwrap_or(u32::MAX)
    }

    /// Sets a base address, of whose bits those of `mask` can be chosen.
    pub(crate) fn set_bar(&mut self, address: Address, offset: u8, value: u32, mask: u32) {
        self.set(address, offset, value);
        self.masks.insert((address, offset), mask);
    }

    /// A device with `class` (class, subclass, interface, revision) and `header` type.
    pub(crate) fn add(&mut self, address: Address, class: u32, header: u32) {
        for offset in (0..0x40).step_by(4) {
            self.set(address, offset, 0);
        }
        self.set(address, 0, 0x0002_1b36);
        self.set(address, 8, class);
        self.set(address, 0x0c, header << 16);
    }
}

impl Configuration for ScriptedBus {
    fn read(&mut self, address: Address, offset: u8) -> u32 {
        self.get(address, offset)
    }

    fn write(&mut self, address: Address, offset: u8, value: u32) {
        let is_bar = (0x10..0x28).contains(&offset);
        if is_bar && self.get(address, 0x04) & 3 != 0 {
            self.decoded_while_sizing += 1;
        }
        let fixed = self.get(address, offset) & 0xf;
        let mask = self.masks.get(&(address, offset)).copied();
        let value = match mask {
            Some(mask) => value & mask | fixed & !mask,
            None if is_bar => 0,
            None => value,
        };
        self.words.insert((address, offset), value);
    }
}
