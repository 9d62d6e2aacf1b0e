//! The source of random bytes on a model of the device.

use alloc::vec::Vec;

use multios_core::security::{EntropyError, EntropySource, HealthFailure, SEED_BYTES, Seed};

use super::model::{Model, Queue, Registers};
use super::{Chain, ENTROPY_MEMORY_BYTES, Requests, VirtioEntropy};
use crate::devices::scripted::{ScriptedRegion, ScriptedTime};

/// A queue whose requests are answered as they are put in, by pieces of a script.
struct Answering {
    queue: Queue,
    model: Model,
    answers: Vec<Vec<u8>>,
}

impl Requests for Answering {
    type Memory = ScriptedRegion;

    fn memory(&mut self) -> &mut ScriptedRegion {
        self.queue.memory()
    }

    fn submit(&mut self, chain: Chain) -> Option<u16> {
        let number = self.queue.submit(chain);
        if !self.answers.is_empty() {
            assert!(self.model.0.lock().answer(0, &self.answers.remove(0)));
        }
        number
    }

    fn is_done(&self) -> bool {
        self.queue.is_done()
    }

    fn next_done(&self) -> Option<u16> {
        self.queue.next_done()
    }

    fn finish(&mut self, number: u16) -> Option<usize> {
        self.queue.finish(number)
    }

    fn leak(self) {
        self.queue.leak();
    }
}

type Source = VirtioEntropy<Registers, ScriptedTime, Answering>;

fn open(answers: Vec<Vec<u8>>) -> (Result<Source, EntropyError>, Model) {
    let model = Model::default();
    model.0.lock().features = 1 << 32;
    let queue = |_: &mut _, number| {
        let queue = model.queue(number, ENTROPY_MEMORY_BYTES)?;
        Some(Answering { queue, model: model.clone(), answers })
    };
    (VirtioEntropy::open(model.transport(), ScriptedTime::default(), queue), model)
}

fn gather(answers: &[&[u8]]) -> Result<[u8; SEED_BYTES], EntropyError> {
    let (source, _) = open(answers.iter().map(|answer| answer.to_vec()).collect());
    let mut seed = Seed::new([9; SEED_BYTES]);
    let result = source.expect("it starts").gather(&mut seed);
    assert!(result.is_ok() || *seed == [0; SEED_BYTES], "nothing of a seed that failed is left");
    result.map(|()| *seed)
}

fn bytes() -> [u8; SEED_BYTES] {
    core::array::from_fn(|at| at.to_le_bytes()[0] ^ 0x5a)
}

#[test]
fn a_seed_is_what_the_device_gives_however_little_at_a_time() {
    let all = bytes();
    assert_eq!(gather(&[&all]), Ok(all));
    assert_eq!(gather(&[&all[..1], &all[1..40], &all[40..]]), Ok(all));
}

#[test]
fn a_device_that_gives_nothing_or_too_much_or_the_same_again_is_refused() {
    let all = bytes();
    let nonsense = Err(EntropyError::Device("it gives nothing, or more than it was asked for"));
    assert_eq!(gather(&[&[]]), nonsense);
    assert_eq!(gather(&[&[1; SEED_BYTES + 1]]), nonsense);
    assert_eq!(gather(&[&all[..60], &[1; 5]]), nonsense, "four bytes were left to give");
    assert_eq!(gather(&[&[7; SEED_BYTES]]), Err(EntropyError::Unhealthy(HealthFailure::Stuck)));
}

#[test]
fn a_device_that_does_not_answer_is_not_asked_again() {
    let (source, model) = open(Vec::new());
    let mut source = source.expect("it starts");
    let mut seed = Seed::new([0; SEED_BYTES]);
    assert_eq!(source.gather(&mut seed), Err(EntropyError::Unavailable));
    assert!(model.0.lock().answer(0, &bytes()), "one request is under way");
    assert_eq!(source.gather(&mut seed), Err(EntropyError::Unavailable));
    assert_eq!(model.0.lock().queues[0].given(), 0);
}

#[test]
fn a_device_that_does_not_start_is_refused_and_keeps_no_memory() {
    let model = Model::default();
    let queue = |_: &mut _, number| {
        let queue = model.queue(number, ENTROPY_MEMORY_BYTES)?;
        Some(Answering { queue, model: model.clone(), answers: Vec::new() })
    };
    let source: Result<Source, _> = VirtioEntropy::open(model.transport(), ScriptedTime::default(), queue);
    assert_eq!(source.err(), Some(EntropyError::Device("it does not work as version 1 says")));
    assert_eq!(model.0.lock().memory.live(), 0);
}

#[test]
fn no_byte_of_a_seed_stays_in_memory_of_the_device() {
    let all = bytes();
    let (source, model) = open([all.to_vec()].to_vec());
    let mut source = source.expect("it starts");
    source.gather(&mut Seed::new([0; SEED_BYTES])).expect("it gives");
    let mut left = [1; SEED_BYTES];
    let state = model.0.lock();
    state.memory.load(state.queues[0].start(), &mut left);
    assert_eq!(left, [0; SEED_BYTES]);
}
