//! The disk on a model of the device, whose queue does each request as it is put in.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use multios_core::storage::{BlockDevice, BlockError};
use proptest::prelude::*;
use spin::Mutex;

use super::{Chain, MEMORY_BYTES, PciTransport, Requests, VirtioDisk};
use crate::devices::access::{DmaMemory, DmaRegion};
use crate::devices::io::MemoryIo;
use crate::devices::scripted::{ScriptedMemory, ScriptedRegion, ScriptedTime};

const SECTOR: usize = 512;
const SECTORS: usize = 512;
/// Version 1, a cache to be flushed, and the size of blocks.
const FEATURES: u64 = 1 << 32 | 1 << 9 | 1 << 6;

/// What a device does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mischief {
    NeverResets,
    RefusesFeatures,
    NeverFinishes,
    FinishesAnother,
    LeavesStatus,
    ReadsLess,
}

#[derive(Default)]
struct State {
    features: u64,
    selected: u32,
    agreed: [u32; 2],
    status: u8,
    block_bytes: u32,
    bytes: Vec<u8>,
    flushes: usize,
    mischief: Option<Mischief>,
}

#[derive(Clone, Default)]
struct Model(Arc<Mutex<State>>);

/// The registers of all devices, at the places of section 4.1.4.3.
struct Common(Model);

/// The registers of disks, and those for work in a queue, which the model does not need.
struct Device(Model);

enum Registers {
    Common(Common),
    Device(Device),
}

impl MemoryIo for Registers {
    fn read_u8(&mut self, offset: usize) -> u8 {
        match self {
            Self::Common(Common(model)) if offset == 20 => model.0.lock().status,
            _ => 0,
        }
    }

    fn write_u8(&mut self, offset: usize, value: u8) {
        let Self::Common(Common(model)) = self else { return };
        assert_eq!(offset, 20, "the status alone has one byte and is written");
        let mut state = model.0.lock();
        state.status = match state.mischief {
            Some(Mischief::NeverResets) if value == 0 => 4,
            Some(Mischief::RefusesFeatures) => value & !8,
            _ => value,
        };
    }

    fn read_u16(&mut self, _offset: usize) -> u16 {
        0
    }

    fn write_u16(&mut self, _offset: usize, _value: u16) {}

    fn read_u32(&mut self, offset: usize) -> u32 {
        match self {
            Self::Common(Common(model)) => {
                let state = model.0.lock();
                assert_eq!(offset, 4, "the features alone are read");
                u32::try_from(state.features >> (32 * state.selected) & 0xffff_ffff).expect("a half")
            }
            Self::Device(Device(model)) => match offset {
                0 => u32::try_from(model.0.lock().bytes.len() / SECTOR).expect("small"),
                20 => model.0.lock().block_bytes,
                _ => 0,
            },
        }
    }

    fn write_u32(&mut self, offset: usize, value: u32) {
        let Self::Common(Common(model)) = self else { return };
        let mut state = model.0.lock();
        match offset {
            0 | 8 => state.selected = value,
            12 => {
                let half = usize::try_from(state.selected).expect("a half");
                state.agreed[half] = value;
            }
            _ => panic!("nothing is to be written at {offset}"),
        }
    }
}

struct Queue {
    model: Model,
    memory: ScriptedRegion,
    done: Option<usize>,
}

impl Queue {
    /// What the device does with a request (section 5.2.6): the status, and how much it wrote.
    fn serve(&mut self, chain: Chain) -> (u8, usize) {
        let mut state = self.model.0.lock();
        let mut head = [0; 16];
        self.memory.read(chain.read()[0].offset, &mut head);
        let kind = head[0];
        let start = usize::from(head[8]) * SECTOR + usize::from(head[9]) * 256 * SECTOR;
        match kind {
            0 => {
                let piece = chain.written()[0];
                let bytes = state.bytes[start..start + piece.bytes].to_vec();
                self.memory.write(piece.offset, &bytes);
                (0, piece.bytes + 1)
            }
            1 => {
                let piece = chain.read()[1];
                let mut bytes = vec![0; piece.bytes];
                self.memory.read(piece.offset, &mut bytes);
                state.bytes[start..start + piece.bytes].copy_from_slice(&bytes);
                (0, 1)
            }
            4 => {
                state.flushes += 1;
                (0, 1)
            }
            8 => {
                self.memory.write(chain.written()[0].offset, b"SERIAL-9\0");
                (0, 21)
            }
            _ => (2, 1),
        }
    }
}

impl Requests for Queue {
    type Memory = ScriptedRegion;

    fn memory(&mut self) -> &mut ScriptedRegion {
        &mut self.memory
    }

    fn submit(&mut self, chain: Chain) -> Option<u16> {
        let (status, written) = self.serve(chain);
        let mischief = self.model.0.lock().mischief;
        let place = chain.written().last().expect("a status").offset;
        if mischief != Some(Mischief::LeavesStatus) {
            self.memory.write(place, &[status]);
        }
        let written = if mischief == Some(Mischief::ReadsLess) { 1 } else { written };
        self.done = (mischief != Some(Mischief::NeverFinishes)).then_some(written);
        Some(3)
    }

    fn is_done(&self) -> bool {
        self.done.is_some()
    }

    fn next_done(&self) -> Option<u16> {
        self.done.map(|_| 3)
    }

    fn finish(&mut self, number: u16) -> Option<usize> {
        assert_eq!(number, 3);
        let is_other = self.model.0.lock().mischief == Some(Mischief::FinishesAnother);
        self.done.take().filter(|_| !is_other)
    }

    fn leak(self) {
        self.memory.leak();
    }
}

type Disk = VirtioDisk<Registers, ScriptedTime, Queue>;

fn model(features: u64, block_bytes: u32) -> Model {
    let model = Model::default();
    let mut state = model.0.lock();
    (state.features, state.block_bytes, state.bytes) = (features, block_bytes, vec![0; SECTORS * SECTOR]);
    drop(state);
    model
}

fn open(model: &Model) -> (Result<Disk, BlockError>, ScriptedMemory) {
    let memory = ScriptedMemory::default();
    let transport = PciTransport {
        common: Registers::Common(Common(model.clone())),
        notify: Registers::Device(Device(model.clone())),
        notify_multiplier: 4,
        device: Some(Registers::Device(Device(model.clone()))),
        message: None,
    };
    let queue = |_: &mut _| {
        let region = memory.allocate(MEMORY_BYTES)?;
        Some(Queue { model: model.clone(), memory: region, done: None })
    };
    (VirtioDisk::open(transport, ScriptedTime::default(), queue), memory)
}

#[test]
fn a_disk_says_what_it_is() {
    let model = model(FEATURES | 1 << 5 | 1 << 28, 4096);
    let (disk, _memory) = open(&model);
    let disk = disk.expect("it starts");
    assert_eq!(disk.serial(), Some("SERIAL-9"));
    assert_eq!((disk.geometry().block_bytes, disk.geometry().blocks), (4096, 64));
    assert!(disk.is_read_only());
    let state = model.0.lock();
    assert_eq!(state.agreed, [1 << 5 | 1 << 6 | 1 << 9, 1], "what it does not know, it does not take");
    assert_eq!(state.status, 15, "it is told that the driver is ready");
}

#[test]
fn a_disk_that_is_read_only_is_not_written_to() {
    let model = model(FEATURES | 1 << 5, 512);
    let mut disk = open(&model).0.expect("it starts");
    assert_eq!(disk.write(0, &[1; SECTOR]), Err(BlockError::ReadOnly));
    assert!(model.0.lock().bytes.iter().all(|byte| *byte == 0));
}

#[test]
fn a_device_that_does_not_start_is_refused() {
    for (mischief, features, block_bytes) in [
        (Some(Mischief::NeverResets), FEATURES, 512),
        (Some(Mischief::RefusesFeatures), FEATURES, 512),
        (None, 1 << 9, 512),
        (None, FEATURES, 256),
        (None, FEATURES, 513),
        (None, FEATURES, 1 << 20),
    ] {
        let model = model(features, block_bytes);
        model.0.lock().mischief = mischief;
        let (disk, memory) = open(&model);
        assert!(disk.is_err(), "{mischief:?} {features:#x} {block_bytes}");
        assert_eq!(memory.live(), 0);
    }
}

#[test]
fn a_device_that_makes_no_sense_is_not_used_again() {
    for (mischief, expected) in [
        (Mischief::NeverFinishes, BlockError::Timeout),
        (Mischief::FinishesAnother, BlockError::Malformed("it finishes a request that it was not given")),
        (Mischief::LeavesStatus, BlockError::Malformed("the status of a request makes no sense")),
        (Mischief::ReadsLess, BlockError::Malformed("it reads less than it was asked for")),
    ] {
        let model = model(FEATURES, 512);
        let mut disk = open(&model).0.expect("it starts");
        model.0.lock().mischief = Some(mischief);
        assert_eq!(disk.read(0, &mut [0; SECTOR]), Err(expected));
        model.0.lock().mischief = None;
        assert_eq!(disk.read(0, &mut [0; SECTOR]), Err(BlockError::Failed));
        assert_eq!(disk.write(0, &[1; SECTOR]), Err(BlockError::Failed));
        assert_eq!(disk.flush(), Err(BlockError::Failed));
    }
}

#[test]
fn memory_is_given_back_once_the_device_has_stopped_and_not_before() {
    let well = model(FEATURES, 512);
    let (disk, memory) = open(&well);
    drop(disk.expect("it starts"));
    assert_eq!((memory.live(), memory.leaked()), (0, 0));
    let stubborn = model(FEATURES, 512);
    let (disk, memory) = open(&stubborn);
    stubborn.0.lock().mischief = Some(Mischief::NeverResets);
    drop(disk.expect("it starts"));
    assert_eq!((memory.live(), memory.leaked()), (1, 1));
}

#[test]
fn a_flush_reaches_a_disk_with_a_cache_alone() {
    for (features, flushes) in [(FEATURES, 1), (FEATURES & !(1 << 9), 0)] {
        let model = model(features, 512);
        let mut disk = open(&model).0.expect("it starts");
        assert_eq!(disk.flush(), Ok(()));
        assert_eq!(model.0.lock().flushes, flushes);
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back_and_nothing_else_changes(
        first in 0_usize..SECTORS,
        length in 1_usize..300,
        seed in any::<u8>(),
    ) {
        let length = length.min(SECTORS - first);
        let model = model(FEATURES, 512);
        let mut disk = open(&model).0.expect("it starts");
        let bytes: Vec<u8> = (0..length * SECTOR).map(|at| seed ^ at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
        let block = u64::try_from(first).expect("small");
        prop_assert_eq!(disk.write(block, &bytes), Ok(()));
        let mut read = vec![0; bytes.len()];
        prop_assert_eq!(disk.read(block, &mut read), Ok(()));
        prop_assert!(read == bytes);
        let mut expected = vec![0; SECTORS * SECTOR];
        expected[first * SECTOR..][..bytes.len()].copy_from_slice(&bytes);
        prop_assert!(model.0.lock().bytes == expected);
    }
}
