//! Stacks at both ends of a line.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;

use proptest::prelude::*;
use spin::Mutex;

use super::{Activity, InterfaceAddress, NetworkStack, Received, Settings, StackError, StreamState};
use crate::network::{HardwareAddress, LinkState, Loopback, NetworkDevice, NetworkError, loopback_pair};

const V4: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];
const V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2)];
const BUFFER: usize = 16 << 10;

/// What goes wrong at a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    None,
    /// Every so many frames that are to be sent are lost.
    Loses(u32),
    Fails,
    /// A frame of zeros is always there.
    NeverEmpty,
}

struct Card {
    line: Loopback,
    trouble: Trouble,
    sent: u32,
    /// How long it was to wait, last and at most.
    rested: Arc<Mutex<Option<Duration>>>,
}

impl NetworkDevice for Card {
    fn address(&self) -> HardwareAddress {
        self.line.address()
    }

    fn frame_bytes_max(&self) -> usize {
        self.line.frame_bytes_max()
    }

    fn link(&mut self) -> LinkState {
        self.line.link()
    }

    fn can_send(&mut self) -> bool {
        self.line.can_send()
    }

    fn send(&mut self, frame: &[u8]) -> Result<(), NetworkError> {
        self.sent += 1;
        match self.trouble {
            Trouble::Loses(every) if self.sent.is_multiple_of(every) => Ok(()),
            _ => self.line.send(frame),
        }
    }

    fn receive(&mut self, frame: &mut [u8]) -> Result<Option<usize>, NetworkError> {
        match self.trouble {
            Trouble::Fails => Err(NetworkError::Malformed("it is broken")),
            Trouble::NeverEmpty => {
                frame[..60].fill(0);
                Ok(Some(60))
            }
            _ => self.line.receive(frame),
        }
    }

    fn rest(&mut self, patience: Duration) {
        *self.rested.lock() = Some(patience);
    }
}

/// Two stacks on a line, and the time.
struct Line {
    ends: [NetworkStack; 2],
    now: Duration,
}

fn settings(end: usize) -> Settings {
    let addresses = vec![
        InterfaceAddress { address: V4[end].into(), prefix_bits: 24 },
        InterfaceAddress { address: V6[end].into(), prefix_bits: 64 },
    ];
    Settings { addresses, ..Settings::default() }
}

fn stack(line: Loopback, end: usize, trouble: Trouble) -> NetworkStack {
    stack_on(Card { line, trouble, sent: 0, rested: Arc::default() }, end)
}

fn stack_on(card: Card, end: usize) -> NetworkStack {
    let random = 7 + u64::try_from(end).expect("small");
    NetworkStack::new(Box::new(card), &settings(end), Duration::ZERO, random)
        .expect("the addresses are in order")
}

impl Line {
    fn new(trouble: Trouble) -> Self {
        let (left, right) = loopback_pair(64);
        Self { ends: [stack(left, 0, trouble), stack(right, 1, trouble)], now: Duration::ZERO }
    }

    /// Lets a millisecond pass.
    fn step(&mut self) {
        self.now += Duration::from_millis(1);
        for end in &mut self.ends {
            end.poll(self.now).expect("the cards work");
        }
    }

    /// Steps until `is_done`, for ten minutes at most; whether it came about.
    fn until(&mut self, mut is_done: impl FnMut(&mut [NetworkStack; 2]) -> bool) -> bool {
        (0..600_000).any(|_| {
            self.step();
            is_done(&mut self.ends)
        })
    }

    /// A connection from the first stack to port 7 of the second, at `address`.
    fn connect(&mut self, address: IpAddr) -> [super::Stream; 2] {
        let there = self.ends[1].listen(7, BUFFER).expect("it is a port");
        let here = self.ends[0].connect(SocketAddr::new(address, 7), 50_000, BUFFER).expect("there is a way");
        let streams = [here, there];
        assert!(self.until(|ends| (0..2).all(|end| ends[end].state(&streams[end]) == StreamState::Open)));
        assert_eq!(self.ends[1].remote(&streams[1]).map(|remote| remote.port()), Some(50_000));
        streams
    }
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13).to_le_bytes()[0]).collect()
}

/// Sends `bytes` there, where they are sent back, and gives what came back.
fn echoed(line: &mut Line, [here, there]: [super::Stream; 2], bytes: &[u8]) -> Vec<u8> {
    let (mut sent, mut back, mut held) = (0, Vec::new(), Vec::new());
    let mut buffer = vec![0; BUFFER];
    let is_done = line.until(|[near, far]| {
        sent += near.send(&here, &bytes[sent..]).expect("it is open");
        if held.is_empty()
            && let Received::Bytes(count) = far.receive(&there, &mut buffer).expect("it is open")
        {
            held.extend(&buffer[..count]);
        }
        let returned = far.send(&there, &held).expect("it is open");
        held.drain(..returned);
        if let Received::Bytes(count) = near.receive(&here, &mut buffer).expect("it is open") {
            back.extend(&buffer[..count]);
        }
        back.len() >= bytes.len()
    });
    assert!(is_done, "{} of {} bytes came back", back.len(), bytes.len());
    line.ends[0].finish(&here);
    assert!(line.until(|[near, far]| {
        let is_ended = far.receive(&there, &mut buffer).expect("it is not broken") == Received::End;
        if is_ended && far.state(&there) == StreamState::Open {
            far.finish(&there);
        }
        near.state(&here) == StreamState::Closed && far.state(&there) == StreamState::Closed
    }));
    line.ends[0].remove(here);
    line.ends[1].remove(there);
    back
}

#[test]
fn bytes_come_back_as_they_were_sent_over_both_kinds_of_addresses() {
    let bytes = pattern(1 << 20);
    for address in [IpAddr::from(V4[1]), IpAddr::from(V6[1])] {
        let mut line = Line::new(Trouble::None);
        let streams = line.connect(address);
        assert!(echoed(&mut line, streams, &bytes) == bytes);
    }
}

#[test]
fn bytes_come_back_in_order_though_frames_are_lost() {
    let bytes = pattern(200_000);
    let mut line = Line::new(Trouble::Loses(13));
    let streams = line.connect(V4[1].into());
    assert!(echoed(&mut line, streams, &bytes) == bytes);
}

#[test]
fn eight_connections_go_on_at_the_same_time() {
    let mut line = Line::new(Trouble::None);
    let there: Vec<_> = (0..8).map(|_| line.ends[1].listen(7, BUFFER).expect("a port")).collect();
    let remote = SocketAddr::new(V4[1].into(), 7);
    let here: Vec<_> =
        (0..8).map(|port| line.ends[0].connect(remote, 50_000 + port, BUFFER).expect("a way")).collect();
    assert!(line.until(|[near, _]| here.iter().all(|it| near.state(it) == StreamState::Open)));
    for (number, stream) in (0_u8..).zip(&here) {
        assert_eq!(line.ends[0].send(stream, &[number; 100]), Ok(100));
    }
    let mut seen = [false; 8];
    assert!(line.until(|[_, far]| {
        for stream in &there {
            let mut bytes = [0; 200];
            if let Ok(Received::Bytes(count)) = far.receive(stream, &mut bytes) {
                assert!(count == 100 && bytes[..100].iter().all(|byte| *byte == bytes[0]));
                seen[usize::from(bytes[0])] = true;
            }
        }
        seen == [true; 8]
    }));
}

#[test]
fn a_port_where_nobody_waits_breaks_the_connection() {
    let mut line = Line::new(Trouble::None);
    let stream = line.ends[0].connect(SocketAddr::new(V4[1].into(), 9), 50_000, BUFFER).expect("a way");
    assert!(line.until(|[near, _]| near.state(&stream) == StreamState::Closed));
    assert_eq!(line.ends[0].receive(&stream, &mut [0; 9]), Err(StackError::Broken));
    assert_eq!(line.ends[0].send(&stream, &[0; 9]), Err(StackError::Broken));
}

#[test]
fn a_connection_that_is_broken_off_is_broken_at_the_other_end() {
    let mut line = Line::new(Trouble::None);
    let [here, there] = line.connect(V4[1].into());
    line.ends[1].abort(&there);
    assert!(line.until(|[near, _]| near.state(&here) == StreamState::Closed));
    assert_eq!(line.ends[0].receive(&here, &mut [0; 9]), Err(StackError::Broken));
}

#[test]
fn a_connection_whose_other_end_falls_silent_breaks_after_its_time() {
    let mut line = Line::new(Trouble::None);
    let [here, _] = line.connect(V4[1].into());
    let [near, _] = &mut line.ends;
    near.send(&here, b"is anybody there?").expect("it is open");
    let begin = line.now;
    let mut now = begin;
    while near.state(&here) != StreamState::Closed && now < begin + Duration::from_secs(600) {
        near.poll(now).expect("the card works");
        now += near.due(now).unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(1));
    }
    let silence = now - begin;
    assert!((Duration::from_secs(60)..Duration::from_secs(90)).contains(&silence), "{silence:?}");
    assert_eq!(near.receive(&here, &mut [0; 9]), Err(StackError::Broken));
}

#[test]
fn datagrams_come_with_their_sender_over_both_kinds_of_addresses() {
    let mut line = Line::new(Trouble::None);
    let here = line.ends[0].bind(500, 4, 4096).expect("a port");
    let there = line.ends[1].bind(600, 4, 4096).expect("a port");
    for (from, to) in [(IpAddr::from(V4[0]), IpAddr::from(V4[1])), (V6[0].into(), V6[1].into())] {
        line.ends[0].send_to(&here, b"hello", SocketAddr::new(to, 600)).expect("a way");
        let mut bytes = [0; 9];
        let mut came = None;
        assert!(line.until(|[_, far]| {
            came = far.receive_from(&there, &mut bytes).expect("it fits");
            came.is_some()
        }));
        assert_eq!((came, &bytes[..5]), (Some((5, SocketAddr::new(from, 500))), &b"hello"[..]));
    }
}

#[test]
fn datagrams_that_do_not_fit_are_refused() {
    let mut line = Line::new(Trouble::None);
    let here = line.ends[0].bind(500, 2, 4096).expect("a port");
    let there = line.ends[1].bind(600, 2, 4096).expect("a port");
    let remote = SocketAddr::new(V4[1].into(), 600);
    let too_large = StackError::DatagramBytes { bytes: 1453, bytes_max: 1452 };
    assert_eq!(line.ends[0].send_to(&here, &[1; 1453], remote), Err(too_large));
    assert_eq!(line.ends[0].send_to(&here, &[1; 1452], remote), Ok(()));
    assert_eq!(line.ends[0].send_to(&here, &[2; 4], remote), Ok(()));
    assert_eq!(line.ends[0].send_to(&here, &[3; 4], remote), Err(StackError::Full));
    let mut came = Ok(None);
    assert!(line.until(|[_, far]| {
        came = far.receive_from(&there, &mut [0; 9]);
        came != Ok(None)
    }));
    assert_eq!(came, Err(StackError::DatagramBytes { bytes: 1452, bytes_max: 9 }));
    let mut bytes = [0; 9];
    assert!(line.until(|[_, far]| far.receive_from(&there, &mut bytes).is_ok_and(|came| came.is_some())));
    assert_eq!(bytes[..4], [2; 4], "the one that did not fit is lost alone");
}

#[test]
fn ports_and_addresses_of_nobody_are_refused() {
    let mut line = Line::new(Trouble::None);
    let [near, _] = &mut line.ends;
    assert_eq!(near.listen(0, BUFFER).err(), Some(StackError::PortZero));
    assert_eq!(near.listen(7, 0).err(), Some(StackError::BufferBytes(0)));
    assert_eq!(near.listen(7, (1 << 30) + 1).err(), Some(StackError::BufferBytes((1 << 30) + 1)));
    let port = near.bind(500, 1, 100).expect("a port");
    assert_eq!(near.bind(500, 1, 100).err(), Some(StackError::PortInUse(500)));
    near.unbind(port);
    let port = near.bind(500, 1, 100).expect("it is free again");
    assert_eq!(near.bind(0, 1, 100).err(), Some(StackError::PortZero));
    for address in [IpAddr::from([0; 4]), IpAddr::from([224, 0, 0, 1]), IpAddr::from([0_u16; 8])] {
        let remote = SocketAddr::new(address, 9);
        assert_eq!(near.connect(remote, 50_000, BUFFER).err(), Some(StackError::Unreachable(address)));
        assert_eq!(near.send_to(&port, b"x", remote), Err(StackError::Unreachable(address)));
    }
    let remote = SocketAddr::new(V4[1].into(), 9);
    assert_eq!(near.connect(remote, 0, BUFFER).err(), Some(StackError::PortZero));
    near.connect(remote, 50_000, BUFFER).expect("a way");
    assert_eq!(near.connect(remote, 50_000, BUFFER).err(), Some(StackError::PortInUse(50_000)));
}

#[test]
fn without_an_address_of_its_kind_a_host_is_not_reached() {
    let (line, _other) = loopback_pair(4);
    let mut settings = settings(0);
    settings.addresses.truncate(1);
    let mut stack = NetworkStack::new(Box::new(line), &settings, Duration::ZERO, 1).expect("an address");
    let remote = SocketAddr::new(V6[1].into(), 9);
    assert_eq!(stack.connect(remote, 50_000, BUFFER).err(), Some(StackError::Unreachable(V6[1].into())));
}

#[test]
fn addresses_that_no_card_has_are_refused() {
    let refused = |address: IpAddr, prefix_bits| {
        let (line, _other) = loopback_pair(4);
        let addresses = vec![InterfaceAddress { address, prefix_bits }];
        NetworkStack::new(Box::new(line), &Settings { addresses, ..Settings::default() }, Duration::ZERO, 1)
            .err()
    };
    for address in [IpAddr::from([0; 4]), IpAddr::from([255; 4]), IpAddr::from([224, 0, 0, 1])] {
        assert_eq!(refused(address, 24), Some(StackError::Address(address)));
    }
    assert_eq!(refused(V4[0].into(), 33), Some(StackError::Address(V4[0].into())));
    assert_eq!(refused(V6[0].into(), 128), None);
    let (line, _other) = loopback_pair(4);
    let one = InterfaceAddress { address: V4[0].into(), prefix_bits: 24 };
    let many = Settings { addresses: vec![one; 9], ..Settings::default() };
    let error = NetworkStack::new(Box::new(line), &many, Duration::ZERO, 1).err();
    assert!(matches!(error, Some(StackError::Addresses { count: 9, .. })), "{error:?}");
}

#[test]
fn requests_for_an_echo_are_answered_over_both_kinds_of_addresses() {
    let mut line = Line::new(Trouble::None);
    let probe = line.ends[0].begin_echo(77);
    for (sequence, address) in [(3, IpAddr::from(V4[1])), (4, IpAddr::from(V6[1]))] {
        line.ends[0].send_echo(&probe, address, sequence, b"abc").expect("a way");
        let mut answer = None;
        assert!(line.until(|[near, _]| {
            answer = near.receive_echo(&probe, b"abc");
            answer.is_some()
        }));
        assert_eq!(answer, Some((address, sequence, true)));
    }
    let too_large = StackError::DatagramBytes { bytes: 1025, bytes_max: 1024 };
    assert_eq!(line.ends[0].send_echo(&probe, V4[1].into(), 5, &[0; 1025]), Err(too_large));
    line.ends[0].end_echo(probe);
}

#[test]
fn an_announcement_gives_the_address_of_the_card_as_its_own() {
    let (near, mut far) = loopback_pair(4);
    stack(near, 0, Trouble::None).announce().expect("there is room");
    let mut frame = [0; 1514];
    assert_eq!(far.receive(&mut frame), Ok(Some(60)));
    // To all, by ARP, a request of Ethernet and IPv4 from the address for the same address (RFC 826).
    let own = [2, 0, 0, 0, 0, 1];
    assert_eq!((&frame[..6], &frame[6..12]), (&[0xff; 6][..], &own[..]));
    assert_eq!(frame[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    assert_eq!((&frame[22..28], &frame[28..32]), (&own[..], &V4[0].octets()[..]));
    assert_eq!((&frame[32..38], &frame[38..42]), (&[0; 6][..], &V4[0].octets()[..]));
    assert_eq!(far.receive(&mut frame), Ok(None), "there is one address of this kind");
}

#[test]
fn a_card_that_fails_is_told_every_time() {
    let (line, _other) = loopback_pair(4);
    let mut stack = stack(line, 0, Trouble::Fails);
    let failed = Err(StackError::Device(NetworkError::Malformed("it is broken")));
    assert_eq!(stack.poll(Duration::from_millis(1)), failed);
    assert_eq!(stack.poll(Duration::from_millis(2)), failed);
}

#[test]
fn a_card_that_is_never_empty_does_not_hold_its_caller() {
    let (line, _other) = loopback_pair(4);
    let mut stack = stack(line, 0, Trouble::NeverEmpty);
    assert_eq!(stack.poll(Duration::from_millis(1)), Ok(Activity::Some));
}

#[test]
fn a_stack_rests_until_something_is_due_and_no_longer_than_it_may() {
    let (line, _other) = loopback_pair(4);
    let rested = Arc::default();
    let mut stack = stack_on(Card { line, trouble: Trouble::None, sent: 0, rested: Arc::clone(&rested) }, 0);
    let (now, patience) = (Duration::from_millis(1), Duration::from_secs(100));
    stack.rest(now, patience);
    assert_eq!(rested.lock().take(), Some(patience), "nothing is due");
    stack.connect(SocketAddr::new(V4[1].into(), 9), 50_000, BUFFER).expect("a way");
    stack.rest(now, patience);
    assert_eq!(rested.lock().take(), None, "the first packet is to be sent now");
    stack.poll(now).expect("the card works");
    let due = stack.due(now).expect("it is asked again who has the address");
    stack.rest(now, patience);
    assert_eq!(rested.lock().take(), Some(due));
    stack.rest(now, due / 2);
    assert_eq!(rested.lock().take(), Some(due / 2));
}

#[test]
fn nothing_is_due_on_a_line_at_rest() {
    let mut line = Line::new(Trouble::None);
    line.ends[0].listen(7, BUFFER).expect("a port");
    line.step();
    let now = line.now;
    assert_eq!(line.ends[0].due(now), None);
    assert_eq!(line.ends[0].poll(now), Ok(Activity::None));
    line.ends[0].connect(SocketAddr::new(V4[1].into(), 9), 50_000, BUFFER).expect("a way");
    assert_eq!(line.ends[0].due(now), Some(Duration::ZERO));
}

proptest! {
    #[test]
    fn no_frame_does_harm(
        kind in prop::sample::select(vec![[8, 0], [8, 6], [0x86, 0xdd], [1, 2]]),
        first in any::<[u8; 4]>(),
        rest in prop::collection::vec(any::<u8>(), 42..200),
    ) {
        let (near, mut far) = loopback_pair(4);
        let mut stack = stack(near, 0, Trouble::None);
        stack.listen(7, BUFFER).expect("a port");
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        frame.extend(kind);
        // Half of them begin as a packet does, so that more of them is looked at.
        if first[0] & 1 == 0 {
            frame.extend(if kind == [0x86, 0xdd] { [0x60, 0, 0, 0] } else { [0x45, 0, 0, 60] });
        } else {
            frame.extend(first);
        }
        frame.extend(rest);
        far.send(&frame).expect("there is room");
        prop_assert_eq!(stack.poll(Duration::from_millis(1)), Ok(Activity::Some));
    }
}
