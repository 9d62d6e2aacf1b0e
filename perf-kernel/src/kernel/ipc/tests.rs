//! The table against a model that looks at everybody whenever something happens.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Delivery, EndpointId, Handle, Ipc, IpcError, IpcUsage, PartyId, Right, Step};

const PARTIES: usize = 5;

/// What a party of the model does: with the number of the step in which it began to wait.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    Running,
    Sending(usize, Delivery, usize),
    Receiving(usize, usize),
    Awaiting(usize),
}

#[derive(Clone, Debug)]
struct Player {
    id: PartyId,
    handles: Vec<(usize, Right)>,
    doing: Doing,
    caller: Option<usize>,
    outcome: Option<Result<Delivery, IpcError>>,
    /// What lies in its buffer.
    buffer: u64,
}

struct Game {
    ipc: Ipc<usize, u64>,
    players: Vec<Option<Player>>,
    endpoints: Vec<EndpointId>,
    step: usize,
    woken: Vec<usize>,
    expected_woken: Vec<usize>,
}

impl Game {
    fn new() -> Self {
        let mut ipc = Ipc::new();
        let players = (0..PARTIES).map(|number| {
            let id = ipc.join(number);
            *ipc.buffer_mut(id).expect("it is there") = number as u64;
            let (doing, buffer) = (Doing::Running, number as u64);
            Some(Player { id, handles: vec![], doing, caller: None, outcome: None, buffer })
        });
        let players = players.collect();
        let (endpoints, woken, expected_woken) = (vec![], vec![], vec![]);
        Self { ipc, players, endpoints, step: 0, woken, expected_woken }
    }

    fn player(&mut self, number: usize) -> &mut Player {
        self.players[number].as_mut().expect("it plays")
    }

    fn handles(&self, endpoint: usize, right: Right) -> usize {
        let all = self.players.iter().flatten().flat_map(|player| &player.handles);
        all.filter(|handle| **handle == (endpoint, right)).count()
    }

    /// Ends a wait in the model.
    fn end(&mut self, number: usize, outcome: Result<Delivery, IpcError>) {
        let player = self.player(number);
        player.doing = Doing::Running;
        player.outcome = Some(outcome);
        self.expected_woken.push(number);
    }

    fn deliver(&mut self, from: usize, to: usize, message: Delivery) {
        if message.length > 0 {
            let buffer = self.player(from).buffer;
            self.player(from).buffer = core::mem::replace(&mut self.player(to).buffer, buffer);
        }
    }

    fn allowed(&self, number: usize, handle: usize, right: Right) -> Result<usize, IpcError> {
        let handles = &self.players[number].as_ref().expect("it plays").handles;
        let (endpoint, has) = handles.get(handle).ok_or(IpcError::NoHandle)?;
        if *has == right { Ok(*endpoint) } else { Err(IpcError::NoRight) }
    }

    /// The player that has waited longest in a way that `waits` accepts.
    fn first(&self, waits: impl Fn(Doing) -> Option<usize>) -> Option<usize> {
        let waiting = self
            .players
            .iter()
            .enumerate()
            .filter_map(|(number, player)| waits(player.as_ref()?.doing).map(|since| (since, number)));
        waiting.min().map(|(_, number)| number)
    }

    fn call(&mut self, number: usize, handle: usize, message: Delivery) {
        let expected = self.allowed(number, handle, Right::Call).and_then(|endpoint| {
            if self.handles(endpoint, Right::Receive) == 0 {
                return Err(IpcError::Gone);
            }
            let receiver = self.first(|doing| match doing {
                Doing::Receiving(at, since) if at == endpoint => Some(since),
                _ => None,
            });
            self.player(number).outcome = None;
            let Some(receiver) = receiver else {
                self.player(number).doing = Doing::Sending(endpoint, message, self.step);
                return Ok(Step::Wait);
            };
            self.deliver(number, receiver, message);
            self.end(receiver, Ok(message));
            self.woken.push(receiver);
            self.player(receiver).caller = Some(number);
            self.player(number).doing = Doing::Awaiting(receiver);
            Ok(Step::HandOver(receiver))
        });
        let id = self.player(number).id;
        assert_eq!(self.ipc.call(id, Handle(handle), message), expected);
    }

    fn expect_receive(&mut self, number: usize, handle: usize) -> Result<Step<usize>, IpcError> {
        self.allowed(number, handle, Right::Receive).and_then(|endpoint| {
            if let Some(caller) = self.player(number).caller.take() {
                self.end(caller, Err(IpcError::Gone));
            }
            let sender = self.first(|doing| match doing {
                Doing::Sending(at, _, since) if at == endpoint => Some(since),
                _ => None,
            });
            if let Some(sender) = sender
                && let Doing::Sending(_, message, _) = self.player(sender).doing
            {
                self.deliver(sender, number, message);
                self.player(sender).doing = Doing::Awaiting(number);
                self.player(number).caller = Some(sender);
                self.player(number).outcome = None;
                return Ok(Step::Done(message));
            }
            if self.handles(endpoint, Right::Call) == 0 {
                return Err(IpcError::Gone);
            }
            self.player(number).doing = Doing::Receiving(endpoint, self.step);
            self.player(number).outcome = None;
            Ok(Step::Wait)
        })
    }

    fn receive(&mut self, number: usize, handle: usize) {
        let expected = self.expect_receive(number, handle);
        let (id, woken) = (self.player(number).id, &mut self.woken);
        let result = self.ipc.receive(id, Handle(handle), &mut |other| woken.push(other));
        assert_eq!(result, expected);
    }

    fn expect_reply(&mut self, number: usize, message: Delivery) -> Result<usize, IpcError> {
        let caller = self.player(number).caller.take().ok_or(IpcError::NoCaller)?;
        self.deliver(number, caller, message);
        self.end(caller, Ok(message));
        Ok(caller)
    }

    fn reply(&mut self, number: usize, message: Delivery) {
        let expected = self.expect_reply(number, message);
        self.woken.extend(expected.ok());
        let id = self.player(number).id;
        assert_eq!(self.ipc.reply(id, message), expected);
    }

    fn reply_and_receive(&mut self, number: usize, handle: usize, message: Delivery) {
        let expected =
            self.expect_reply(number, message).and_then(|caller| match self.expect_receive(number, handle) {
                Ok(Step::Wait) => {
                    self.woken.push(caller);
                    Ok(Step::HandOver(caller))
                }
                other => other,
            });
        let (id, woken) = (self.player(number).id, &mut self.woken);
        let result = self.ipc.reply_and_receive(id, Handle(handle), message, &mut |other| woken.push(other));
        assert_eq!(result, expected);
    }

    fn cancel(&mut self, number: usize) {
        let player = self.player(number);
        let (id, doing) = (player.id, player.doing);
        if doing != Doing::Running {
            player.doing = Doing::Running;
            player.outcome = Some(Err(IpcError::TimedOut));
        }
        if let Doing::Awaiting(server) = doing {
            self.player(server).caller = None;
        }
        self.ipc.cancel(id);
    }

    fn interrupt(&mut self, number: usize) {
        let Some(player) = &mut self.players[number] else { return };
        let (id, doing) = (player.id, player.doing);
        if doing != Doing::Running {
            player.doing = Doing::Running;
            player.outcome = Some(Err(IpcError::Interrupted));
        } else if let Some(Ok(delivery)) = &mut player.outcome {
            delivery.length |= Delivery::NOTED;
        }
        if let Doing::Awaiting(server) = doing {
            self.player(server).caller = None;
        }
        let expected = (doing != Doing::Running).then_some(number);
        assert_eq!(self.ipc.interrupt(id), expected);
    }

    fn leave(&mut self, number: usize) {
        let player = self.players[number].take().expect("it plays");
        if let Some(caller) = player.caller {
            self.end(caller, Err(IpcError::Gone));
        }
        for other in 0..PARTIES {
            let Some(doing) = self.players[other].as_ref().map(|player| player.doing) else { continue };
            let is_hopeless = match doing {
                Doing::Sending(endpoint, ..) => self.handles(endpoint, Right::Receive) == 0,
                Doing::Receiving(endpoint, _) => self.handles(endpoint, Right::Call) == 0,
                _ => false,
            };
            if is_hopeless {
                self.end(other, Err(IpcError::Gone));
            }
        }
        let woken = &mut self.woken;
        self.ipc.leave(player.id, &mut |other| woken.push(other));
    }

    fn check(&mut self) {
        for (number, player) in self.players.iter_mut().enumerate() {
            let Some(player) = player else { continue };
            assert_eq!(
                self.ipc.buffer_mut(player.id).copied(),
                Some(player.buffer),
                "the buffer of {number}"
            );
            if player.doing == Doing::Running {
                let expected = player.outcome.take();
                assert_eq!(self.ipc.take_outcome(player.id), expected, "the outcome of {number}");
            } else {
                assert_eq!(self.ipc.take_outcome(player.id), None, "{number} waits");
            }
        }
        self.woken.sort_unstable();
        self.expected_woken.sort_unstable();
        assert_eq!(self.woken, self.expected_woken);
        self.woken.clear();
        self.expected_woken.clear();
        let mut named = BTreeMap::new();
        for (endpoint, _) in self.players.iter().flatten().flat_map(|player| &player.handles) {
            named.insert(*endpoint, ());
        }
        let parties = self.players.iter().flatten().count();
        assert_eq!(self.ipc.usage(), IpcUsage { parties, endpoints: named.len() });
    }
}

proptest! {
    #[test]
    fn parties_meet_as_in_the_model(
        steps in prop::collection::vec((0_u8..19, 0..PARTIES, 0_usize..4, 0_u64..3, 0..4 * PARTIES), 1..120),
    ) {
        let mut game = Game::new();
        for (step, (action, number, pick, word, interrupted)) in steps.into_iter().enumerate() {
            game.step = step;
            let Some(player) = &game.players[number] else { continue };
            let (id, doing) = (player.id, player.doing);
            let message = Delivery { words: [word, step as u64], length: usize::from(word == 2) };
            let right = if word == 0 { Right::Receive } else { Right::Call };
            match (action, doing) {
                (0, _) => {
                    let (endpoint, handle) = game.ipc.create(id, right).expect("it plays");
                    game.endpoints.push(endpoint);
                    let place = game.endpoints.len() - 1;
                    game.player(number).handles.push((place, right));
                    prop_assert_eq!(handle, Handle(game.player(number).handles.len() - 1));
                }
                (1..=3, _) if !game.endpoints.is_empty() => {
                    let place = game.endpoints.len() - 1 - pick.min(game.endpoints.len() - 1);
                    let has_any = game.handles(place, Right::Call) + game.handles(place, Right::Receive) > 0;
                    let granted = game.ipc.grant(id, game.endpoints[place], right);
                    if has_any {
                        game.player(number).handles.push((place, right));
                        prop_assert_eq!(granted, Ok(Handle(game.player(number).handles.len() - 1)));
                    } else {
                        prop_assert_eq!(granted, Err(IpcError::Gone));
                    }
                }
                (4..=7, Doing::Running) => game.call(number, pick, message),
                (8..=11, Doing::Running) => game.receive(number, pick),
                (12..=13, Doing::Running) => game.reply(number, message),
                (14, _) => game.cancel(number),
                (16..=18, Doing::Running) => game.reply_and_receive(number, pick, message),
                (15, Doing::Running) if word == 0 && pick == 0 => game.leave(number),
                _ => {}
            }
            // Before anybody has taken what has come.
            if interrupted < PARTIES {
                game.interrupt(interrupted);
            }
            game.check();
        }
    }
}

#[test]
fn a_party_that_has_left_is_not_taken_for_a_later_one() {
    let mut ipc: Ipc<(), ()> = Ipc::new();
    let first = ipc.join(());
    ipc.leave(first, &mut |()| {});
    let second = ipc.join(());
    assert_ne!(first, second);
    assert_eq!(ipc.create(first, Right::Call), Err(IpcError::Gone));
    ipc.leave(first, &mut |()| {});
    assert_eq!(ipc.usage(), IpcUsage { parties: 1, endpoints: 0 });
}
