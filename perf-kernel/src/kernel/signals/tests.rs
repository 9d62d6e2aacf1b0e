//! Signals against a model that keeps a list, and looks at all of it whenever something happens.

use alloc::vec;
use alloc::vec::Vec;

use multios_core::memory::paging::{USER_END, USER_START};
use proptest::prelude::*;

use super::{Action, Handler, Next, Signal, SignalError, SignalSet, SignalTable, Signals};

/// Numbers that the tests use: KILL, CHLD, and some with nothing special to them.
const NUMBERS: [u64; 6] = [1, 9, 10, 17, 40, 63];

fn signal(number: u64) -> Signal {
    Signal::new(number).expect("a number of a signal")
}

fn handler(number: u64) -> Handler {
    Handler::new(USER_START + number, USER_START).expect("user memory")
}

/// The same in the most obvious way.
#[derive(Default)]
struct Model {
    actions: Vec<(u64, Action)>,
    blocked: Vec<u64>,
    waiting: Vec<u64>,
}

impl Model {
    fn action(&self, number: u64) -> Action {
        let set = self.actions.iter().rev().find(|(of, _)| *of == number);
        set.map_or(Action::Default, |(_, action)| *action)
    }

    fn is_lost(&self, number: u64) -> bool {
        self.action(number) == Action::Ignore || number == 17 && self.action(number) == Action::Default
    }

    fn ready(&self) -> Vec<u64> {
        let mut ready: Vec<u64> =
            self.waiting.iter().copied().filter(|number| !self.blocked.contains(number)).collect();
        ready.sort_unstable();
        ready
    }

    /// Signals that are called, from the first frame to the last, or the one that ends the process.
    fn expected(&self) -> Result<Vec<u64>, u64> {
        let ready = self.ready();
        let ends = ready.iter().find(|number| self.action(**number) == Action::Default);
        match ends {
            Some(number) => Err(*number),
            None => Ok(ready.into_iter().rev().collect()),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(u64, Action),
    Mask(Vec<u64>),
    Send(u64),
    Fault(u64),
    GoOn,
}

fn number() -> impl Strategy<Value = u64> {
    prop::sample::select(NUMBERS.to_vec())
}

fn step() -> impl Strategy<Value = Step> {
    let action = |number: u64| {
        prop::sample::select(vec![Action::Default, Action::Ignore, Action::Handle(handler(number))])
    };
    prop_oneof![
        number().prop_flat_map(move |of| action(of).prop_map(move |action| Step::Set(of, action))),
        prop::sample::subsequence(NUMBERS.to_vec(), 0..NUMBERS.len()).prop_map(Step::Mask),
        number().prop_map(Step::Send),
        number().prop_map(Step::Send),
        number().prop_map(Step::Fault),
        Just(Step::GoOn),
        Just(Step::GoOn),
    ]
}

/// What comes before the program goes on: the signals whose handlers are called, each with the mask that it gives back.
fn go_on(signals: &mut Signals) -> Result<Vec<(u64, SignalSet)>, u64> {
    let mut called = vec![];
    loop {
        match signals.take_next() {
            Next::Nothing => return Ok(called),
            Next::End(signal) => return Err(signal.number().into()),
            Next::Call { signal, handler: called_one, mask } => {
                let number = signal.number().into();
                assert_eq!(called_one, handler(number));
                called.push((number, mask));
            }
        }
    }
}

fn take(model: &mut Model, signals: &mut Signals, step: Step) {
    match step {
        Step::Set(number, action) => {
            let expected = if number == 9 { Err(SignalError::NoSignal) } else { Ok(()) };
            assert_eq!(signals.set_action(signal(number), action), expected);
            if number != 9 {
                model.actions.push((number, action));
                if model.is_lost(number) {
                    model.waiting.retain(|other| *other != number);
                }
            }
        }
        Step::Mask(numbers) => {
            let bits = |numbers: &[u64]| numbers.iter().fold(0, |bits, number| bits | 1 << number);
            assert_eq!(signals.set_mask(bits(&numbers)).bits(), bits(&model.blocked));
            model.blocked = numbers.into_iter().filter(|number| *number != 9).collect();
        }
        Step::Send(number) => {
            if !model.is_lost(number) && !model.waiting.contains(&number) {
                model.waiting.push(number);
            }
            let is_ready = !model.is_lost(number) && !model.blocked.contains(&number);
            assert_eq!(signals.send(signal(number)), is_ready);
        }
        Step::Fault(number) => {
            let action = model.action(number);
            let is_handled = matches!(action, Action::Handle(_)) && !model.blocked.contains(&number);
            assert_eq!(signals.handles_fault(signal(number)), is_handled);
            let mask = signals.mask();
            let expected = match action {
                Action::Handle(handler) if is_handled => Next::Call { signal: signal(number), handler, mask },
                _ => Next::Nothing,
            };
            assert_eq!(signals.take_of_fault(signal(number)), expected);
            if is_handled {
                model.blocked.push(number);
            }
        }
        Step::GoOn => match model.expected() {
            Err(number) => assert_eq!(go_on(signals), Err(number)),
            Ok(numbers) => {
                let called = go_on(signals).expect("nothing ends it");
                assert!(called.iter().map(|(number, _)| *number).eq(numbers.iter().copied()));
                model.waiting.retain(|number| model.blocked.contains(number));
                // The handlers return, the last that was called first.
                for (number, mask) in called.into_iter().rev() {
                    assert!(signals.mask().has(signal(number)), "it is blocked while its handler runs");
                    signals.set_mask(mask.bits());
                }
            }
        },
    }
    assert_eq!(signals.is_ready(), !model.ready().is_empty());
}

proptest! {
    #[test]
    fn signals_do_what_the_model_does(steps in prop::collection::vec(step(), 0..60)) {
        let (mut model, mut signals) = (Model::default(), Signals::new());
        for step in steps {
            take(&mut model, &mut signals, step);
        }
    }

    #[test]
    fn no_mask_blocks_the_signal_that_ends_everything(bits: u64) {
        let mut signals = Signals::new();
        signals.set_mask(bits);
        prop_assert_eq!(signals.mask().bits(), bits & !(1 << 9 | 1));
        prop_assert!(signals.send(Signal::KILL));
        prop_assert_eq!(signals.take_next(), Next::End(Signal::KILL));
    }

    #[test]
    fn a_handler_is_in_user_memory(entry: u64, return_to: u64) {
        let is_user = |address| (USER_START..USER_END).contains(&address);
        prop_assert_eq!(Handler::new(entry, return_to).is_some(), is_user(entry) && is_user(return_to));
    }
}

#[test]
fn numbers_from_1_to_63_are_signals() {
    let found: Vec<u64> =
        (0..1000).chain([u64::MAX]).filter(|number| Signal::new(*number).is_some()).collect();
    assert_eq!(found, (1..64).collect::<Vec<u64>>());
}

#[test]
fn the_handler_of_the_lowest_signal_runs_first() {
    let mut signals = Signals::new();
    for number in [10, 12, 40] {
        signals.set_action(signal(number), Action::Handle(handler(number))).expect("there is memory");
    }
    for number in [12, 40, 10, 12] {
        signals.send(signal(number));
    }
    let called = go_on(&mut signals).expect("nothing ends it");
    // The last frame is the one that the program goes on with.
    assert_eq!(called.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [40, 12, 10]);
}

#[test]
fn a_process_is_reached_by_whoever_was_given_the_right_alone() {
    let mut table = SignalTable::new();
    let [one, two] = ["one", "two"].map(|name| table.join(name).expect("there is memory"));
    assert_eq!(table.send(one, 1, Signal::TERM), Err(SignalError::NoTarget));
    assert_eq!(table.send(one, u64::MAX, Signal::TERM), Err(SignalError::NoTarget));
    assert_eq!(table.allow(one, two), Ok(1));
    assert_eq!(table.send(one, 1, Signal::CHLD), Ok(None), "nothing is to be done for it");
    assert_eq!(table.send(one, 1, Signal::TERM), Ok(Some("two")));
    assert_eq!(table.send(one, 0, Signal::USR1), Ok(Some("one")), "0 is oneself");
    let next = table.signals_mut(two).map(Signals::take_next);
    assert_eq!(next, Some(Next::End(Signal::TERM)));
    table.leave(two);
    // Whoever has its place now is another.
    let later = table.join("later").expect("there is memory");
    assert_eq!(table.send(one, 1, Signal::TERM), Err(SignalError::Gone));
    assert_eq!(table.allow(one, two), Err(SignalError::Gone));
    assert_eq!(table.signals_mut(later).map(|signals| signals.is_ready()), Some(false));
    table.leave(two);
    for member in [one, later] {
        table.leave(member);
    }
    assert!(table.is_empty());
}
