//! Traffic with the host over every network card, for the tests of drivers and protocols.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use multios_core::network::{
    DatagramPort, EchoProbe, InterfaceAddress, LinkState, NetworkStack, Received, Settings, StackError,
    Stream, StreamState,
};
use multios_core::security::Sha256;

use super::device::{cards, failed};
use super::security::seeded_generator;
use crate::arch::counter;
use crate::measure::{BenchError, Bencher, Expected};
use crate::units::Hertz;

// RFC 862, 863 and 864.
const ECHO: u16 = 7;
const DISCARD: u16 = 9;
const CHARACTERS: u16 = 19;

/// How long the host may take to do all that a bench waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a card may take to find its line.
const LINK_PATIENCE: Duration = Duration::from_secs(5);
const BUFFER_BYTES: usize = 64 << 10;
/// Bytes that are looked at together.
const PIECE_BYTES: usize = 16 << 10;
/// Bytes that the host is sent.
const CHARACTERS_BYTES: usize = 8 << 20;
const DATAGRAMS: usize = 8;
const DATAGRAM_BYTES_MAX: usize = 1452;
/// Cards whose figures are told apart.
const CARDS_MAX: usize = 4;

/// What is told of each card: the names of its figures.
struct Names {
    digest: &'static str,
    received: &'static str,
    sent: &'static str,
}

const NAMES: [Names; CARDS_MAX] = [
    Names {
        digest: "card0_digest_48bit",
        received: "card0_received_kib_per_s",
        sent: "card0_sent_kib_per_s",
    },
    Names {
        digest: "card1_digest_48bit",
        received: "card1_received_kib_per_s",
        sent: "card1_sent_kib_per_s",
    },
    Names {
        digest: "card2_digest_48bit",
        received: "card2_received_kib_per_s",
        sent: "card2_sent_kib_per_s",
    },
    Names {
        digest: "card3_digest_48bit",
        received: "card3_received_kib_per_s",
        sent: "card3_sent_kib_per_s",
    },
];

/// Asks the gateway of every card, by IPv4 and IPv6, whether it is there.
pub(super) fn ping(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let clock = Clock(bencher.platform().frequency());
    let mut hosts = stacks(bencher)?;
    bencher.add_figure("cards", count(hosts.len()));
    let probes: Vec<_> = hosts.iter_mut().map(|stack| stack.begin_echo(IDENTIFIER)).collect();
    let mut sequence = 0_u16;
    let mut ask = || -> Result<bool, StackError> {
        sequence = sequence.wrapping_add(1);
        for (stack, probe) in hosts.iter_mut().zip(&probes) {
            for gateway in GATEWAYS {
                if !is_answered(clock, stack, probe, (gateway, sequence))? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    };
    let mut error = None;
    let result = bencher.measure(Expected::Each(1), || {
        ask().map_or_else(
            |why| {
                error = Some(failed(why));
                0
            },
            u64::from,
        )
    });
    error.map_or(result, Err)
}

/// Sends back what the host sends, by TCP and UDP, until it has ended a connection to every card.
pub(super) fn echo(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let clock = Clock(bencher.platform().frequency());
    let hosts = stacks(bencher)?.into_iter().map(Echo::new);
    let mut hosts = hosts.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    serve(clock, &mut hosts)?;
    let bytes: u64 = hosts.iter().map(|host| host.bytes).sum();
    bencher.add_figure("bytes", bytes);
    bencher.add_figure("datagrams", hosts.iter().map(|host| host.datagrams).sum());
    for (host, names) in hosts.into_iter().zip(&NAMES) {
        bencher.add_figure(names.digest, beginning(host.digest));
    }
    // All that counts has been done; this is the figure that a record must have.
    bencher.measure(Expected::Each(bytes), || black_box(bytes))
}

/// Takes what the host sends, and then sends it as many bytes as it takes in a while, over every card.
pub(super) fn speed(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let clock = Clock(bencher.platform().frequency());
    let mut characters = vec![0; PIECE_BYTES];
    bencher.fill_random(&mut characters);
    let hosts = stacks(bencher)?.into_iter().map(|stack| Speed::new(stack, clock, &characters));
    let mut hosts = hosts.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    serve(clock, &mut hosts)?;
    let bytes: u64 = hosts.iter().map(|host| host.taken.bytes).sum();
    bencher.add_figure("bytes", bytes);
    for (host, names) in hosts.into_iter().zip(&NAMES) {
        bencher.add_figure(names.digest, beginning(host.digest));
        bencher.add_figure(names.received, host.taken.kib_per_s());
        bencher.add_figure(names.sent, host.given.kib_per_s());
    }
    bencher.measure(Expected::Each(bytes), || black_box(bytes))
}

const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 2);

pub(super) const GATEWAYS: [IpAddr; 2] = [IpAddr::V4(GATEWAY_V4), IpAddr::V6(GATEWAY_V6)];
/// By which requests for an echo are told from those of others.
pub(super) const IDENTIFIER: u16 = 0x6d6f;

/// Whether a gateway sends back what it is sent with a number.
pub(super) fn is_answered(
    clock: Clock,
    stack: &mut NetworkStack,
    probe: &EchoProbe,
    (gateway, sequence): (IpAddr, u16),
) -> Result<bool, StackError> {
    const DATA: [u8; 256] = [0x5a; 256];
    stack.send_echo(probe, gateway, sequence, &DATA)?;
    let begin = clock.now();
    loop {
        stack.poll(clock.now())?;
        let answer = stack.receive_echo(probe, &DATA);
        let left = PATIENCE.saturating_sub(clock.now() - begin);
        if answer.is_some() || left.is_zero() {
            return Ok(answer == Some((gateway, sequence, true)));
        }
        stack.rest(clock.now(), left);
    }
}

/// The protocols above every card, at the addresses that QEMU's user network expects.
pub(super) fn stacks(bencher: &Bencher<'_>) -> Result<Vec<NetworkStack>, BenchError> {
    let addresses = vec![
        InterfaceAddress { address: Ipv4Addr::new(10, 0, 2, 15).into(), prefix_bits: 24 },
        InterfaceAddress { address: Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 15).into(), prefix_bits: 64 },
    ];
    let settings = Settings { addresses, gateway_v4: Some(GATEWAY_V4), gateway_v6: Some(GATEWAY_V6) };
    let clock = Clock(bencher.platform().frequency());
    let (mut generator, _) = seeded_generator()?;
    let cards = cards(bencher)?;
    if cards.is_empty() {
        let reason = "the machine has no network card that this kernel drives";
        return Err(BenchError::Skipped(String::from(reason)));
    }
    let begin = clock.now();
    let stacks = cards.into_iter().map(|card| {
        let mut random = [0; 8];
        generator.fill(&mut random).map_err(failed)?;
        let mut stack =
            NetworkStack::new(card, &settings, begin, u64::from_le_bytes(random)).map_err(failed)?;
        while stack.link() == LinkState::Down {
            if clock.now() - begin > LINK_PATIENCE {
                return Err(BenchError::Failed(String::from("a network card finds no line")));
            }
            core::hint::spin_loop();
        }
        // Who asks for the card before it listens, as the host may, is answered now.
        stack.announce().map_err(failed)?;
        Ok(stack)
    });
    stacks.collect()
}

/// The counter as a clock.
#[derive(Clone, Copy)]
pub(super) struct Clock(pub(super) Hertz);

impl Clock {
    fn now(self) -> Duration {
        Duration::from_nanos(counter::now().to_picoseconds(self.0) / 1_000)
    }
}

/// What is done for the host over one card.
trait Service {
    /// Takes in and sends what can be, without waiting.
    fn step(&mut self, now: Duration) -> Result<(), StackError>;

    /// Whether the host has had all.
    fn is_over(&self) -> bool;
}

fn serve(clock: Clock, services: &mut [impl Service]) -> Result<(), BenchError> {
    let begin = clock.now();
    while !services.iter().all(Service::is_over) {
        for service in &mut *services {
            service.step(clock.now()).map_err(failed)?;
        }
        if clock.now() - begin > PATIENCE {
            return Err(BenchError::Failed(format!("the host has not done its part within {PATIENCE:?}")));
        }
    }
    Ok(())
}

struct Echo {
    stack: NetworkStack,
    stream: Stream,
    port: DatagramPort,
    held: Vec<u8>,
    /// How much of it was sent back.
    sent: usize,
    datagram: Vec<u8>,
    digest: Sha256,
    bytes: u64,
    datagrams: u64,
}

impl Echo {
    fn new(mut stack: NetworkStack) -> Result<Self, StackError> {
        let stream = stack.listen(ECHO, BUFFER_BYTES)?;
        let port = stack.bind(ECHO, DATAGRAMS, DATAGRAMS * DATAGRAM_BYTES_MAX)?;
        let (held, datagram) = (Vec::with_capacity(PIECE_BYTES), vec![0; DATAGRAM_BYTES_MAX]);
        let digest = Sha256::new();
        Ok(Self { stack, stream, port, held, sent: 0, datagram, digest, bytes: 0, datagrams: 0 })
    }

    fn return_datagrams(&mut self) -> Result<(), StackError> {
        while let Some((bytes, from)) = self.stack.receive_from(&self.port, &mut self.datagram)? {
            self.stack.send_to(&self.port, &self.datagram[..bytes], from)?;
            self.datagrams += 1;
        }
        Ok(())
    }
}

impl Service for Echo {
    fn step(&mut self, now: Duration) -> Result<(), StackError> {
        self.stack.poll(now)?;
        self.return_datagrams()?;
        if self.sent == self.held.len() {
            self.held.resize(PIECE_BYTES, 0);
            let received = self.stack.receive(&self.stream, &mut self.held)?;
            let bytes = if let Received::Bytes(bytes) = received { bytes } else { 0 };
            self.held.truncate(bytes);
            self.sent = 0;
            self.digest.update(&self.held);
            self.bytes += count(bytes);
            if received == Received::End {
                self.stack.finish(&self.stream);
            }
        }
        if self.sent < self.held.len() {
            self.sent += self.stack.send(&self.stream, &self.held[self.sent..])?;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.stack.state(&self.stream) == StreamState::Closed
    }
}

/// Bytes that went one way, from the first to the last.
#[derive(Clone, Copy, Default)]
struct Passage {
    bytes: u64,
    begin: Option<Duration>,
    end: Duration,
}

impl Passage {
    fn note(&mut self, bytes: usize, now: Duration) {
        self.begin.get_or_insert(now);
        self.bytes += count(bytes);
        self.end = now;
    }

    fn kib_per_s(self) -> u64 {
        let elapsed = self.end.saturating_sub(self.begin.unwrap_or(self.end)).as_micros().max(1);
        u64::try_from(u128::from(self.bytes) * 1_000_000 / 1024 / elapsed).unwrap_or(u64::MAX)
    }
}

struct Speed<'a> {
    stack: NetworkStack,
    clock: Clock,
    discard: Stream,
    source: Stream,
    characters: &'a [u8],
    piece: Vec<u8>,
    /// Of what is received.
    digest: Sha256,
    taken: Passage,
    given: Passage,
}

impl<'a> Speed<'a> {
    fn new(mut stack: NetworkStack, clock: Clock, characters: &'a [u8]) -> Result<Self, StackError> {
        let discard = stack.listen(DISCARD, BUFFER_BYTES)?;
        let source = stack.listen(CHARACTERS, BUFFER_BYTES)?;
        let (piece, digest) = (vec![0; PIECE_BYTES], Sha256::new());
        let passages = Passage::default();
        Ok(Self {
            stack,
            clock,
            discard,
            source,
            characters,
            piece,
            digest,
            taken: passages,
            given: passages,
        })
    }
}

impl Service for Speed<'_> {
    fn step(&mut self, now: Duration) -> Result<(), StackError> {
        self.stack.poll(now)?;
        match self.stack.receive(&self.discard, &mut self.piece)? {
            Received::Bytes(bytes) => {
                self.digest.update(&self.piece[..bytes]);
                self.taken.note(bytes, self.clock.now());
            }
            Received::Nothing => {}
            Received::End => self.stack.finish(&self.discard),
        }
        if self.stack.state(&self.source) == StreamState::Open {
            let left =
                CHARACTERS_BYTES.saturating_sub(usize::try_from(self.given.bytes).unwrap_or(usize::MAX));
            if left == 0 {
                self.stack.finish(&self.source);
            } else {
                let at = usize::try_from(self.given.bytes).unwrap_or(0) % self.characters.len();
                let piece = &self.characters[at..];
                let bytes = self.stack.send(&self.source, &piece[..piece.len().min(left)])?;
                self.given.note(bytes, self.clock.now());
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        [&self.discard, &self.source].iter().all(|stream| self.stack.state(stream) == StreamState::Closed)
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The first six bytes of a hash: a number that every reader of records can hold.
fn beginning(digest: Sha256) -> u64 {
    digest.finish()[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
