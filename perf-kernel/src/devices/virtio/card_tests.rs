//! The card on a model of the device.

use alloc::vec;
use alloc::vec::Vec;

use multios_core::network::{HardwareAddress, LinkState, NetworkDevice, NetworkError};

use virtio_drivers::transport::Transport;

use super::model::{Model, Queue, Registers};
use super::{BUFFERS, CARD_MEMORY_BYTES, VirtioCard};
use crate::devices::scripted::ScriptedTime;

type Card = VirtioCard<Registers, ScriptedTime, Queue>;

const HEADER: usize = 12;
const RECEIVE: usize = 0;
const SEND: usize = 1;
/// Version 1, an address, and the state of the line.
const FEATURES: u64 = 1 << 32 | 1 << 5 | 1 << 16;

fn model(features: u64) -> Model {
    let model = Model::default();
    let mut state = model.0.lock();
    (state.features, state.registers) = (features, vec![0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0]);
    drop(state);
    model
}

fn open(model: &Model) -> Result<Card, NetworkError> {
    let queue = |_: &mut _, number| model.queue(number, CARD_MEMORY_BYTES);
    VirtioCard::open(model.transport(), ScriptedTime::default(), queue)
}

fn started() -> (Card, Model) {
    let model = model(FEATURES | 1 << 15 | 1 << 28);
    (open(&model).expect("it starts"), model)
}

fn deliver(model: &Model, frame: &[u8]) -> bool {
    let mut bytes = vec![0; HEADER];
    bytes.extend(frame);
    model.0.lock().answer(RECEIVE, &bytes)
}

#[test]
fn a_card_says_what_it_is() {
    let (mut card, model) = started();
    assert_eq!(card.address(), HardwareAddress([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
    assert_eq!(card.link(), LinkState::Up);
    model.0.lock().registers[6] = 0;
    assert_eq!(card.link(), LinkState::Down);
    let state = model.0.lock();
    assert_eq!(state.agreed, [1 << 5 | 1 << 16, 1], "what it does not know, it does not take");
    assert_eq!((state.status, state.queues[RECEIVE].given()), (15, BUFFERS));
}

#[test]
fn a_card_that_does_not_tell_of_its_line_has_one() {
    let model = model(FEATURES & !(1 << 16));
    model.0.lock().registers[6] = 0;
    assert_eq!(open(&model).map(|mut card| card.link()), Ok(LinkState::Up));
}

#[test]
fn a_device_that_does_not_start_is_refused_and_keeps_no_memory() {
    let changes: [fn(&Model); 5] = [
        |model| model.0.lock().never_resets = true,
        |model| model.0.lock().features &= !(1 << 32),
        |model| model.0.lock().features &= !(1 << 5),
        |model| model.0.lock().registers[0] = 1,
        |model| model.0.lock().queues[SEND].is_missing = true,
    ];
    for change in changes {
        let model = model(FEATURES);
        change(&model);
        assert!(matches!(open(&model), Err(NetworkError::Malformed(_))));
        assert_eq!(model.0.lock().memory.live(), 0);
    }
}

#[test]
fn a_queue_gets_its_message_before_it_is_switched_on() {
    const QUEUE_MESSAGE: usize = 26;
    const QUEUE_ENABLE: usize = 28;
    for message in [None, Some(0)] {
        let model = model(FEATURES);
        let mut transport = model.transport();
        transport.message = message;
        transport.queue_set(1, 8, 0x1000, 0x2000, 0x3000);
        let words = &model.0.lock().words;
        let place = |offset| words.iter().position(|(at, _)| *at == offset);
        assert_eq!(words.last(), Some(&(QUEUE_ENABLE, 1)));
        assert_eq!(place(QUEUE_MESSAGE).map(|place| words[place].1), message);
    }
}

#[test]
fn frames_go_out_in_order_many_times_round() {
    let (mut card, model) = started();
    for number in 0..200_u8 {
        card.send(&[number; 60]).expect("there is room");
        let sent = model.0.lock().take(SEND).expect("it was sent");
        assert!(sent[..HEADER] == [0; HEADER] && sent[HEADER..] == [number; 60]);
    }
}

#[test]
fn a_card_that_does_not_send_fills_up() {
    let (mut card, model) = started();
    let sent = (0..2 * BUFFERS).take_while(|_| card.send(&[1; 60]).is_ok()).count();
    assert_eq!((sent, card.can_send(), card.send(&[1; 60])), (BUFFERS, false, Err(NetworkError::Full)));
    assert!(model.0.lock().take(SEND).is_some());
    assert!(card.can_send());
    assert_eq!(card.send(&[1; 60]), Ok(()));
}

#[test]
fn lengths_that_are_no_frame_are_refused() {
    let (mut card, _) = started();
    assert!(matches!(card.send(&[0; 13]), Err(NetworkError::Length { .. })));
    assert!(matches!(card.send(&[0; 1515]), Err(NetworkError::Length { .. })));
}

#[test]
fn frames_come_in_order_many_times_round() {
    let (mut card, model) = started();
    let mut frame = [0; 1514];
    for number in 0..200_u8 {
        let sent: Vec<u8> = vec![number; 60 + usize::from(number)];
        assert!(deliver(&model, &sent));
        assert_eq!(card.receive(&mut frame), Ok(Some(sent.len())));
        assert!(frame[..sent.len()] == sent);
    }
    assert_eq!(card.receive(&mut frame), Ok(None));
    assert_eq!(model.0.lock().queues[RECEIVE].given(), BUFFERS, "every buffer is the device's again");
}

#[test]
fn a_short_frame_is_passed_over_and_one_that_does_not_fit_is_lost_alone() {
    let (mut card, model) = started();
    for bytes in [13, 100, 60] {
        assert!(deliver(&model, &vec![3; bytes]));
    }
    assert_eq!(card.receive(&mut [0; 99]), Err(NetworkError::Buffer { bytes: 100, buffer_bytes: 99 }));
    assert_eq!(card.receive(&mut [0; 99]), Ok(Some(60)));
}

#[test]
fn a_device_that_makes_no_sense_is_not_used_again() {
    for (number, bytes) in [(1, 11), (1, 2049), (1, usize::MAX), (999, 72), (0, 72)] {
        let (mut card, model) = started();
        model.0.lock().queues[RECEIVE].say_done(number, bytes);
        assert!(matches!(card.receive(&mut [0; 1514]), Err(NetworkError::Malformed(_))), "{number} {bytes}");
        assert_eq!(card.receive(&mut [0; 1514]), Err(NetworkError::Failed));
        assert_eq!(card.send(&[0; 60]), Err(NetworkError::Failed));
        assert!(!card.can_send());
    }
    let (mut card, model) = started();
    model.0.lock().queues[SEND].say_done(5, 0);
    assert!(matches!(card.send(&[0; 60]), Err(NetworkError::Malformed(_))), "nothing was sent before");
}

#[test]
fn memory_is_given_back_unless_the_device_does_not_stop() {
    for (never_resets, expected) in [(false, (0, 0)), (true, (2, 2))] {
        let (card, model) = started();
        let memory = model.0.lock().memory.clone();
        assert_eq!(memory.live(), 2);
        model.0.lock().never_resets = never_resets;
        drop(card);
        assert_eq!((memory.live(), memory.leaked()), expected);
    }
}
