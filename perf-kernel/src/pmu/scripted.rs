//! A processor as a test wants it: CPUID leaves, registers with values, and a log of what is done to them.

use core::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use raw_cpuid::CpuIdResult;

use super::Registers;

pub(crate) const INTEL: [u8; 12] = *b"GenuineIntel";
pub(crate) const AMD: [u8; 12] = *b"AuthenticAMD";

pub(crate) const fn leaf(eax: u32, ebx: u32, ecx: u32, edx: u32) -> CpuIdResult {
    CpuIdResult { eax, ebx, ecx, edx }
}

/// CPUID of a processor of `vendor` with `signature` in leaf 1 and, besides, `leaves`. The highest basic leaf is the
/// highest of those; all others are zero.
pub(crate) fn cpuid(
    vendor: [u8; 12],
    signature: u32,
    leaves: &[(u32, CpuIdResult)],
) -> impl Fn(u32, u32) -> CpuIdResult + Clone {
    let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| vendor[at + byte]));
    let highest = leaves.iter().map(|(index, _)| *index).filter(|index| *index < 0x8000_0000).max();
    let mut all: BTreeMap<u32, CpuIdResult> = leaves.iter().copied().collect();
    all.insert(0, leaf(highest.unwrap_or(1).max(1), word(0), word(8), word(4)));
    all.insert(1, leaf(signature, 0, 0, 0));
    move |index, _| all.get(&index).copied().unwrap_or(leaf(0, 0, 0, 0))
}

/// Registers that a test sets up. One that is not there faults, and so does a write with a bit that is reserved.
#[derive(Debug, Default)]
pub(crate) struct Scripted(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    values: BTreeMap<u32, u64>,
    /// Bits of a register that fault when they are written.
    reserved: BTreeMap<u32, u64>,
    /// Registers that swallow writes.
    deaf: BTreeSet<u32>,
    /// Where RDPMC of a selector finds its value.
    selectors: BTreeMap<u32, u32>,
    /// How much each counter goes up at every read of it, by its register.
    speeds: BTreeMap<u32, u64>,
    reads: Vec<u32>,
    writes: Vec<(u32, u64)>,
}

impl Scripted {
    pub(crate) fn with(values: &[(u32, u64)]) -> Self {
        let state = State { values: values.iter().copied().collect(), ..State::default() };
        Self(RefCell::new(state))
    }

    pub(crate) fn set(&self, index: u32, value: u64) {
        self.0.borrow_mut().values.insert(index, value);
    }

    pub(crate) fn get(&self, index: u32) -> Option<u64> {
        self.0.borrow().values.get(&index).copied()
    }

    pub(crate) fn remove(&self, index: u32) {
        self.0.borrow_mut().values.remove(&index);
    }

    pub(crate) fn reserve(&self, index: u32, bits: u64) {
        self.0.borrow_mut().reserved.insert(index, bits);
    }

    pub(crate) fn refuse_write(&self, index: u32) {
        self.reserve(index, u64::MAX);
        self.0.borrow_mut().deaf.remove(&index);
    }

    pub(crate) fn make_deaf(&self, index: u32) {
        self.0.borrow_mut().deaf.insert(index);
    }

    /// Makes RDPMC with `selector` read the register `index`.
    pub(crate) fn select(&self, selector: u32, index: u32) {
        self.0.borrow_mut().selectors.insert(selector, index);
    }

    /// Makes the register `index` go up by `speed` at every read.
    pub(crate) fn count(&self, index: u32, speed: u64) {
        self.0.borrow_mut().speeds.insert(index, speed);
    }

    pub(crate) fn writes(&self) -> Vec<(u32, u64)> {
        self.0.borrow().writes.clone()
    }

    pub(crate) fn forget(&self) {
        let mut state = self.0.borrow_mut();
        state.writes.clear();
        state.reads.clear();
    }

    pub(crate) fn reads_of(&self, indices: &[u32]) -> usize {
        self.0.borrow().reads.iter().filter(|index| indices.contains(index)).count()
    }
}

impl Registers for Scripted {
    fn read(&self, index: u32) -> Option<u64> {
        let mut state = self.0.borrow_mut();
        state.reads.push(index);
        let value = state.values.get(&index).copied()?;
        if let Some(speed) = state.speeds.get(&index).copied() {
            state.values.insert(index, value.wrapping_add(speed) & ((1 << 48) - 1));
        }
        Some(value)
    }

    fn write(&self, index: u32, value: u64) -> Option<()> {
        let mut state = self.0.borrow_mut();
        state.writes.push((index, value));
        let reserved = state.reserved.get(&index).copied().unwrap_or(0);
        if !state.values.contains_key(&index) || value & reserved != 0 || reserved == u64::MAX {
            return None;
        }
        if !state.deaf.contains(&index) {
            state.values.insert(index, value);
        }
        Some(())
    }

    fn read_counter(&self, selector: u32) -> Option<u64> {
        let index = self.0.borrow().selectors.get(&selector).copied()?;
        self.read(index)
    }
}
