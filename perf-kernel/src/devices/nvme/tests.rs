//! The driver on a model of the device.

use multios_core::storage::{BlockDevice, BlockError};
use proptest::prelude::*;

use super::NvmeDisk;
use super::model::{BLOCK, Mischief, Model};
use crate::devices::scripted::{ScriptedMemory, ScriptedRegion, ScriptedTime};

type Disk = NvmeDisk<Model, ScriptedTime, ScriptedRegion>;

const BLOCKS: usize = 4096;

fn open(mischief: Option<Mischief>) -> (Result<Disk, BlockError>, Model, ScriptedMemory) {
    let memory = ScriptedMemory::default();
    let model = Model::new(&memory, BLOCKS);
    model.set(mischief);
    (NvmeDisk::open(model.clone(), ScriptedTime::default(), &memory), model, memory)
}

#[test]
fn a_disk_says_what_it_is() {
    let (disk, _, _) = open(None);
    let disk = disk.expect("it starts");
    assert_eq!(disk.serial(), Some("SERIAL-7"));
    assert_eq!((disk.geometry().block_bytes, disk.geometry().blocks), (BLOCK, 4096));
    assert!(!disk.is_read_only());
}

#[test]
fn a_disk_interrupts_where_there_is_a_message_for_it_and_is_masked_where_there_is_none() {
    let memory = ScriptedMemory::default();
    for (time, has_interrupts) in [(ScriptedTime::with_message(), true), (ScriptedTime::default(), false)] {
        let model = Model::new(&memory, BLOCKS);
        let _disk = NvmeDisk::open(model.clone(), time, &memory).expect("it starts");
        assert_eq!(model.has_interrupts(), has_interrupts);
        assert_eq!(model.is_masked(), !has_interrupts);
    }
}

#[test]
fn all_memory_is_given_back_once_the_device_has_stopped() {
    let (disk, model, memory) = open(None);
    let disk = disk.expect("it starts");
    assert!(memory.live() > 0);
    drop(disk);
    assert_eq!((memory.live(), memory.leaked()), (0, 0));
    let (disk, _, memory) = (NvmeDisk::open(model, ScriptedTime::default(), &memory), (), memory);
    drop(disk.expect("it starts again"));
    assert_eq!(memory.live(), 0);
}

#[test]
fn a_device_that_does_not_stop_keeps_its_memory() {
    let (disk, model, memory) = open(None);
    let disk = disk.expect("it starts");
    let live = memory.live();
    model.set(Some(Mischief::NeverStops));
    drop(disk);
    assert_eq!((memory.live(), memory.leaked()), (live, live));
}

#[test]
fn a_device_that_does_not_start_is_refused() {
    for mischief in [Mischief::NeverReady, Mischief::Fatal, Mischief::NeverStops] {
        let (disk, _, _) = open(Some(mischief));
        assert_eq!(disk.err(), Some(BlockError::Timeout), "{mischief:?}");
    }
}

#[test]
fn a_silent_device_is_given_up() {
    let (disk, model, _) = open(None);
    let mut disk = disk.expect("it starts");
    model.set(Some(Mischief::Silent));
    assert_eq!(disk.read(0, &mut [0; BLOCK]), Err(BlockError::Timeout));
    model.set(None);
    assert_eq!(disk.read(0, &mut [0; BLOCK]), Err(BlockError::Failed));
    assert_eq!(disk.write(0, &[0; BLOCK]), Err(BlockError::Failed));
    assert_eq!(disk.flush(), Err(BlockError::Failed));
}

#[test]
fn a_stray_answer_is_no_answer() {
    let (disk, model, _) = open(None);
    let mut disk = disk.expect("it starts");
    model.set(Some(Mischief::Stray));
    assert!(matches!(disk.read(0, &mut [0; BLOCK]), Err(BlockError::Malformed(_))));
    assert_eq!(disk.read(0, &mut [0; BLOCK]), Err(BlockError::Failed));
}

#[test]
fn a_refusal_costs_its_command_alone() {
    let (disk, model, _) = open(None);
    let mut disk = disk.expect("it starts");
    model.set(Some(Mischief::Refuses(0x281)));
    assert_eq!(disk.read(0, &mut [0; BLOCK]), Err(BlockError::Refused { code: 0x281 }));
    model.set(None);
    assert_eq!(disk.read(0, &mut [0; BLOCK]), Ok(()));
}

#[test]
fn ranges_beyond_the_disk_never_reach_the_device() {
    let (disk, _, _) = open(None);
    let mut disk = disk.expect("it starts");
    assert!(matches!(disk.write(4095, &[1; 2 * BLOCK]), Err(BlockError::OutOfRange { .. })));
    assert!(matches!(disk.read(0, &mut [1; 100]), Err(BlockError::NotWholeBlocks { .. })));
}

#[test]
fn no_transfer_is_larger_than_the_device_takes() {
    let memory = ScriptedMemory::default();
    let model = Model::new(&memory, BLOCKS);
    model.0.lock().transfer_order = 2;
    let mut disk = NvmeDisk::open(model.clone(), ScriptedTime::default(), &memory).expect("it starts");
    disk.write(3, &[5; 100 * BLOCK]).expect("it is written");
    assert_eq!(model.0.lock().largest_transfer, 4 * 4096);
    assert!(model.0.lock().disk[3 * BLOCK..103 * BLOCK].iter().all(|byte| *byte == 5));
}

#[test]
fn the_queues_go_round() {
    let (disk, model, _) = open(None);
    let mut disk = disk.expect("it starts");
    for block in 0..100_u8 {
        disk.write(u64::from(block), &[block; BLOCK]).expect("it is written");
        disk.flush().expect("it is flushed");
    }
    assert_eq!(model.0.lock().flushes, 100);
    let mut bytes = [0; 100 * BLOCK];
    disk.read(0, &mut bytes).expect("it is read");
    assert!(bytes.chunks(BLOCK).zip(0..).all(|(block, number)| block.iter().all(|byte| *byte == number)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_is_written_is_read_back(
        writes in prop::collection::vec((0_usize..3500, 1_usize..600, any::<u8>()), 1..8),
    ) {
        let (disk, model, _) = open(None);
        let mut disk = disk.expect("it starts");
        let mut expected = vec![0; BLOCKS * BLOCK];
        for (first, blocks, byte) in writes {
            let bytes: Vec<u8> = (0..=byte).cycle().take(blocks * BLOCK).collect();
            disk.write(first as u64, &bytes).expect("it is written");
            expected[first * BLOCK..first * BLOCK + bytes.len()].copy_from_slice(&bytes);
        }
        prop_assert!(model.0.lock().disk == expected);
        let mut all = vec![1; BLOCKS * BLOCK];
        disk.read(0, &mut all).expect("it is read");
        prop_assert!(all == expected);
    }
}
