//! The driver on a model of the card.

use core::time::Duration;

use multios_core::network::{HardwareAddress, LinkState, NetworkDevice, NetworkError};

use super::model::Card;
use super::{E1000, Model};
use crate::devices::scripted::{ScriptedMemory, ScriptedRegion, ScriptedTime};

type Driver = E1000<Card, ScriptedTime, ScriptedRegion>;

const DONE: u8 = 1;
const END: u8 = 2;

fn open_with(change: impl FnOnce(&Card)) -> (Result<Driver, NetworkError>, Card, ScriptedMemory) {
    let memory = ScriptedMemory::default();
    let card = Card::new(&memory);
    change(&card);
    (E1000::open(card.clone(), ScriptedTime::default(), &memory, Model::I82540em), card, memory)
}

fn open() -> (Driver, Card, ScriptedMemory) {
    let (driver, card, memory) = open_with(|_| ());
    (driver.expect("it starts"), card, memory)
}

#[test]
fn the_address_is_that_of_the_reset() {
    let (driver, _, _) = open();
    assert_eq!(driver.address(), HardwareAddress([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
}

#[test]
fn without_it_the_address_is_that_of_the_eeprom() {
    let (driver, _, _) = open_with(|card| {
        let mut state = card.0.lock();
        state.registers.insert(0x5404, 0);
        state.eeprom = Some([0x1100, 0x3322, 0x5544]);
    });
    let address = driver.map(|driver| driver.address());
    assert_eq!(address, Ok(HardwareAddress([0, 0x11, 0x22, 0x33, 0x44, 0x55])));
}

#[test]
fn a_card_without_an_address_or_reset_is_refused() {
    let (driver, _, memory) = open_with(|card| {
        card.0.lock().registers.remove(&0x5404);
    });
    assert_eq!(driver.err(), Some(NetworkError::Malformed("its EEPROM does not answer")));
    assert_eq!(memory.live(), 0);
    let (driver, _, _) = open_with(|card| card.0.lock().never_resets = true);
    assert_eq!(driver.err(), Some(NetworkError::Malformed("it does not come out of its reset")));
}

#[test]
fn the_link_is_what_the_card_says() {
    let (mut driver, card, _) = open();
    assert_eq!(driver.link(), LinkState::Up);
    for status in [0, u32::MAX] {
        card.0.lock().registers.insert(8, status);
        assert_eq!(driver.link(), LinkState::Down);
    }
}

#[test]
fn causes_are_let_through_where_there_is_a_message_and_taken_back_before_a_rest() {
    const CAUSES: usize = 0xc0;
    const MASK_SET: usize = 0xd0;
    let memory = ScriptedMemory::default();
    for (time, mask) in [(ScriptedTime::with_message(), Some(0xd4)), (ScriptedTime::default(), None)] {
        let card = Card::new(&memory);
        let mut driver = E1000::open(card.clone(), time, &memory, Model::I82574l).expect("it starts");
        assert_eq!(card.0.lock().registers.get(&MASK_SET).copied(), mask);
        card.0.lock().registers.insert(CAUSES, 0x80);
        card.0.lock().written.clear();
        driver.rest(Duration::from_millis(1));
        assert_eq!(card.0.lock().written.contains(&(CAUSES, 0x80)), mask.is_some());
    }
}

#[test]
fn frames_go_out_in_order_many_times_round() {
    let (mut driver, card, _) = open();
    for number in 0..200_u8 {
        driver.send(&[number; 60]).expect("there is room");
    }
    let sent = &card.0.lock().sent;
    assert!(sent.len() == 200 && sent.iter().zip(0..).all(|(frame, number)| *frame == [number; 60]));
}

#[test]
fn a_card_that_does_not_send_fills_up() {
    let (mut driver, card, _) = open();
    card.0.lock().is_slow = true;
    let sent = (0..100).take_while(|_| driver.send(&[1; 60]).is_ok()).count();
    assert_eq!((sent, driver.send(&[1; 60])), (63, Err(NetworkError::Full)));
    card.0.lock().send();
    assert_eq!(driver.send(&[1; 60]), Ok(()));
}

#[test]
fn lengths_that_are_no_frame_are_refused() {
    let (mut driver, _, _) = open();
    assert!(matches!(driver.send(&[0; 13]), Err(NetworkError::Length { .. })));
    assert!(matches!(driver.send(&[0; 1515]), Err(NetworkError::Length { .. })));
}

#[test]
fn frames_come_in_order_many_times_round() {
    let (mut driver, card, _) = open();
    let mut frame = [0; 1514];
    for number in 0..200_u8 {
        let length = 60 + usize::from(number);
        assert!(card.0.lock().deliver(&vec![number; length], DONE | END, 0));
        assert_eq!(driver.receive(&mut frame), Ok(Some(length)));
        assert!(frame[..length].iter().all(|byte| *byte == number));
    }
    assert_eq!(driver.receive(&mut frame), Ok(None));
}

#[test]
fn a_full_ring_is_emptied() {
    let (mut driver, card, _) = open();
    let delivered = (0..100).take_while(|_| card.0.lock().deliver(&[3; 60], DONE | END, 0)).count();
    assert_eq!(delivered, 63);
    let mut frame = [0; 1514];
    let received = (0..100).take_while(|_| driver.receive(&mut frame) == Ok(Some(60))).count();
    assert_eq!(received, 63);
    assert!(card.0.lock().deliver(&[3; 60], DONE | END, 0));
}

#[test]
fn bad_short_and_split_frames_are_passed_over() {
    let (mut driver, card, _) = open();
    for (frame, status, errors) in [
        (vec![1; 60], DONE | END, 1),
        (vec![2; 13], DONE | END, 0),
        (vec![3; 2048], DONE, 0),
        (vec![4; 60], DONE | END, 0),
        (vec![5; 60], DONE | END, 0),
    ] {
        assert!(card.0.lock().deliver(&frame, status, errors));
    }
    let mut frame = [0; 1514];
    assert_eq!(driver.receive(&mut frame), Ok(Some(60)));
    assert_eq!(frame[0], 5, "the fourth is the end of the third");
}

#[test]
fn a_frame_longer_than_its_buffer_ends_the_use_of_the_card() {
    let (mut driver, card, _) = open();
    card.0.lock().deliver(&[1; 2049], DONE | END, 0);
    assert!(matches!(driver.receive(&mut [0; 1514]), Err(NetworkError::Malformed(_))));
    assert_eq!(driver.receive(&mut [0; 1514]), Err(NetworkError::Failed));
    assert_eq!(driver.send(&[1; 60]), Err(NetworkError::Failed));
}

#[test]
fn a_frame_that_does_not_fit_is_lost_alone() {
    let (mut driver, card, _) = open();
    card.0.lock().deliver(&[1; 100], DONE | END, 0);
    card.0.lock().deliver(&[2; 60], DONE | END, 0);
    assert!(matches!(driver.receive(&mut [0; 99]), Err(NetworkError::Buffer { bytes: 100, .. })));
    assert_eq!(driver.receive(&mut [0; 99]), Ok(Some(60)));
}

#[test]
fn memory_is_given_back_unless_the_card_does_not_stop() {
    let (driver, _, memory) = open();
    assert_eq!(memory.live(), 4);
    drop(driver);
    assert_eq!((memory.live(), memory.leaked()), (0, 0));
    let (driver, card, memory) = open();
    card.0.lock().never_resets = true;
    drop(driver);
    assert_eq!((memory.live(), memory.leaked()), (4, 4));
}
