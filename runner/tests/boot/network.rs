//! Traffic between this program and the kernel, over the network cards of QEMU.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use perf_kernel::wire::{BenchRecord, Start, Status};
use runner::collect::{Boot, BootEnd, Observer};
use sha2::{Digest, Sha256};

use crate::harness::{Bench, fault_image, figure};

/// How long each read and write, and the boot up to the bench, may take.
const PATIENCE: Duration = Duration::from_secs(60);
const ECHO: u16 = 7;
const DISCARD: u16 = 9;
const CHARACTERS: u16 = 19;

/// A card and the ports of this program's host that lead to those of the kernel behind it.
struct Card {
    model: &'static str,
    echo: u16,
    echo_datagrams: u16,
    discard: u16,
    characters: u16,
}

impl Card {
    fn new(model: &'static str) -> Self {
        let tcp = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
            listener.local_addr().expect("it has one").port()
        };
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let echo_datagrams = udp.local_addr().expect("it has one").port();
        Self { model, echo: tcp(), echo_datagrams, discard: tcp(), characters: tcp() }
    }

    fn words(&self, number: usize) -> [OsString; 4] {
        let forward = |kind: &str, from: u16, to: u16| format!(",hostfwd={kind}:127.0.0.1:{from}-:{to}");
        // Not restricted to its gateway: QEMU would take no answers to datagrams then.
        let line = format!(
            "user,id=line{number}{}{}{}{}",
            forward("tcp", self.echo, ECHO),
            forward("udp", self.echo_datagrams, ECHO),
            forward("tcp", self.discard, DISCARD),
            forward("tcp", self.characters, CHARACTERS),
        );
        let device = format!("{},netdev=line{number}", self.model);
        ["-netdev".into(), line.into(), "-device".into(), device.into()]
    }
}

/// Says when a bench begins.
struct Bell {
    bench: &'static str,
    begun: Sender<()>,
}

impl Observer for Bell {
    fn start(&mut self, start: &Start) {
        if start.id == self.bench {
            // Whoever waits may have given up.
            let _ = self.begun.send(());
        }
    }
}

/// Boots a kernel with `cards` that runs `bench`, calls `host` with each card once the bench has begun, all at the same time,
/// and gives what the calls returned and the record of the bench.
fn talk<T: Send>(
    bench: &'static str,
    cards: &[Card],
    host: impl Fn(&Card) -> T + Sync,
) -> (Vec<T>, BenchRecord) {
    let machine = Bench::new("");
    let devices = cards.iter().enumerate().flat_map(|(number, card)| card.words(number)).collect();
    // As long as the kernel waits for this program, and longer.
    let plan = format!("filter = [\"{bench}\"]\nexit_port = 244\nbench_ms_max = 120000\n");
    let (begun, has_begun) = channel();
    let mut bell = Bell { bench, begun };
    let (answers, boot) = thread::scope(|scope| {
        let host = &host;
        let calls = scope.spawn(move || call_each(&has_begun, cards, host));
        let boot =
            machine.boot_watched("bios", &fault_image("bios"), &plan, "transcript", devices, &mut bell);
        (calls.join().expect("the host's side ends well"), boot)
    });
    (answers, measured(boot))
}

fn call_each<T: Send>(
    has_begun: &Receiver<()>,
    cards: &[Card],
    host: &(impl Fn(&Card) -> T + Sync),
) -> Vec<T> {
    has_begun.recv_timeout(PATIENCE).expect("the bench begins");
    thread::scope(|scope| {
        let calls: Vec<_> = cards.iter().map(|card| scope.spawn(move || host(card))).collect();
        calls.into_iter().map(|call| call.join().expect("the host's side ends well")).collect()
    })
}

fn measured(boot: Boot) -> BenchRecord {
    assert_eq!(boot.end, BootEnd::Done, "{boot:#?}");
    let [record] = <[BenchRecord; 1]>::try_from(boot.benches).expect("one bench");
    assert_eq!(record.status, Status::Measured, "{record:#?}");
    record
}

fn connect(port: u16) -> TcpStream {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("QEMU listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
    stream
}

/// Bytes that differ from card to card, and do not repeat soon.
fn bytes_for(card: &Card, count: usize) -> Vec<u8> {
    let mut state = u64::from(card.echo) | 1 << 32;
    let mut next = || {
        // Xorshift, after Marsaglia.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..count.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(count);
    bytes
}

/// The number that the kernel makes of a hash.
fn beginning(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes)[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Sends `bytes` and takes what comes back, until both sides have ended.
fn exchanged(port: u16, bytes: &[u8], meanwhile: impl FnOnce()) -> Vec<u8> {
    let mut stream = connect(port);
    let mut writer = stream.try_clone().expect("it can be shared");
    let (first, rest) = bytes.split_at(1);
    writer.write_all(first).expect("it is open");
    let mut back = vec![0];
    stream.read_exact(&mut back).expect("the first byte comes back");
    // The card is known to its gateway by now: no datagram is lost for its being asked for.
    meanwhile();
    thread::scope(|scope| {
        scope.spawn(move || {
            writer.write_all(rest).expect("it is open");
            writer.shutdown(Shutdown::Write).expect("it is open");
        });
        stream.read_to_end(&mut back).expect("it is ended well");
    });
    back
}

/// Sends each of `lengths` as a datagram, and waits for it to come back.
fn datagrams_come_back(port: u16, bytes: &[u8], lengths: &[usize]) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    socket.connect((Ipv4Addr::LOCALHOST, port)).expect("it is an address");
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let mut back = [0; 2048];
    for (number, length) in lengths.iter().enumerate() {
        let datagram = &bytes[number..number + length];
        socket.send(datagram).expect("QEMU listens");
        let count = socket.recv(&mut back).expect("it comes back");
        assert!(&back[..count] == datagram, "datagram {number}");
    }
}

const MODELS: [&str; 3] = ["virtio-net-pci", "e1000", "e1000e"];

#[test]
fn the_kernel_sends_back_what_it_is_sent_over_every_card() {
    const BYTES: usize = (1 << 20) + 12_345;
    let cards = MODELS.map(Card::new);
    let lengths: Vec<usize> = (1..=1452).step_by(71).collect();
    let (digests, record) = talk("device/net-echo", &cards, |card| {
        let bytes = bytes_for(card, BYTES);
        let back =
            exchanged(card.echo, &bytes, || datagrams_come_back(card.echo_datagrams, &bytes, &lengths));
        assert!(back == bytes, "{} of {BYTES} bytes came back by {}", back.len(), card.model);
        beginning(&bytes)
    });
    assert_eq!(figure(&record, "bytes"), u64::try_from(BYTES * MODELS.len()).ok());
    assert_eq!(figure(&record, "datagrams"), u64::try_from(lengths.len() * MODELS.len()).ok());
    for (number, digest) in digests.into_iter().enumerate() {
        assert_eq!(figure(&record, &format!("card{number}_digest_48bit")), Some(digest), "{record:#?}");
    }
}

#[test]
fn the_kernel_takes_and_sends_a_great_deal_over_every_card() {
    const BYTES: usize = 4 << 20;
    const BYTES_SENT: usize = 8 << 20;
    let cards = MODELS.map(Card::new);
    let (digests, record) = talk("device/net-speed", &cards, |card| {
        let bytes = bytes_for(card, BYTES);
        let mut stream = connect(card.discard);
        stream.write_all(&bytes).expect("it is open");
        stream.shutdown(Shutdown::Write).expect("it is open");
        assert_eq!(stream.read(&mut [0]).expect("it is ended well"), 0, "nothing comes back");
        let mut characters = Vec::new();
        connect(card.characters).read_to_end(&mut characters).expect("it is ended well");
        assert_eq!(characters.len(), BYTES_SENT);
        let (first, _) = characters.split_at(16 << 10);
        assert!(characters.chunks(first.len()).all(|piece| piece == first), "the same again and again");
        beginning(&bytes)
    });
    for (number, digest) in digests.into_iter().enumerate() {
        assert_eq!(figure(&record, &format!("card{number}_digest_48bit")), Some(digest), "{record:#?}");
        for way in ["received", "sent"] {
            let speed = figure(&record, &format!("card{number}_{way}_kib_per_s"));
            assert!(speed.is_some_and(|kib_per_s| kib_per_s > 0), "{record:#?}");
        }
    }
}

#[test]
fn a_thread_that_waits_for_an_answer_is_woken_by_its_card() {
    let cards = MODELS.map(Card::new);
    let (_, record) = talk("device/net-interrupts", &cards, |_| ());
    assert!(figure(&record, "interrupts").is_some_and(|count| count > 0), "{record:#?}");
    assert!(figure(&record, "waits").is_some_and(|count| count > 0), "{record:#?}");
}

#[test]
fn the_kernel_reaches_its_gateways_by_both_kinds_of_addresses() {
    let cards = MODELS.map(Card::new);
    let (_, record) = talk("device/net-ping", &cards, |_| ());
    assert_eq!(figure(&record, "cards"), u64::try_from(MODELS.len()).ok());
}
