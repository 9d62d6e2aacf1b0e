//! Disks and network cards of the machine, for the tests of their drivers.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use multios_core::network::{LinkState, NetworkDevice};
use multios_core::security::{EntropySource, SEED_BYTES, Seed};
use multios_core::storage::{Disk, WritePermit};

use crate::arch::counter;
use crate::measure::{BenchError, Bencher, Expected, Stream};
use crate::suites::security::looks_like_random;
use crate::suites::{Bench, Body, Need, Suite, completions, traffic};
use crate::units::{Bytes, Nanoseconds, Ticks};

/// The `device` suite.
pub(in crate::suites) static SUITE: Suite = Suite {
    name: "device",
    about: "Disks and network cards of the machine, for the tests of their drivers",
    limits: &[],
    needs: &[Need::Ring0],
    benches: BENCHES,
};

static BENCHES: &[Bench] = &[
    Bench {
        body: Body::Built(abandon),
        ..Bench::new(
            "device/abandon",
            "start every disk, network card and source of random bytes, send a frame, and panic",
        )
    },
    Bench {
        body: Body::Built(block_write_read),
        ..Bench::new(
            "device/block-write-read",
            "write 64 KiB to every disk that may be written to, flush, read back",
        )
    },
    Bench {
        body: Body::Built(block_reread),
        ..Bench::new(
            "device/block-reread",
            "read what an earlier boot wrote from every disk that may be written to",
        )
    },
    Bench {
        body: Body::Built(completions::reads),
        ..Bench::new("device/block-interrupts", "read 4 KiB from every disk, told by an interrupt")
    },
    Bench {
        body: Body::Built(completions::by_line),
        ..Bench::new("device/line-interrupts", "let the interval timer interrupt by its line")
    },
    Bench {
        body: Body::Built(net_arp),
        ..Bench::new("device/net-arp", "ask for the gateway by every network card")
    },
    Bench {
        body: Body::Built(traffic::ping),
        ..Bench::new(
            "device/net-ping",
            "ask for an echo of the gateway by every network card, by IPv4 and IPv6",
        )
    },
    Bench {
        body: Body::Built(completions::answers),
        ..Bench::new("device/net-interrupts", "ask for echoes of the gateway, told by interrupts")
    },
    Bench {
        body: Body::Built(traffic::echo),
        ..Bench::new("device/net-echo", "send back what the host sends to every network card")
    },
    Bench {
        body: Body::Built(traffic::speed),
        ..Bench::new("device/net-speed", "take what the host sends, and send to it, over every network card")
    },
    Bench {
        body: Body::Built(entropy),
        ..Bench::new("device/entropy", "gather a seed from every source of random bytes")
    },
];

const BYTES: usize = 64 << 10;

/// What is written: different for every disk and place, and the same in every boot.
fn pattern(disk: usize, bytes: usize) -> Vec<u8> {
    let mut pattern = vec![0; bytes];
    Stream::new(u64::try_from(disk).unwrap_or(u64::MAX), "device").fill(&mut pattern);
    pattern
}

/// Every disk; one that does not start fails the bench.
pub(super) fn disks(bencher: &Bencher<'_>) -> Result<Vec<Disk>, BenchError> {
    bencher.platform().open_disks().into_iter().collect::<Result<_, String>>().map_err(BenchError::Failed)
}

/// The disks that may be written to; says in figures how many may and how many may not.
fn permits<'a>(bencher: &mut Bencher<'_>, disks: &'a mut [Disk]) -> Result<Vec<WritePermit<'a>>, BenchError> {
    let count = disks.len();
    let named = &bencher.plan().scratch_disks;
    let mut reason = String::from("the machine has no disk that this kernel drives");
    let mut permits = Vec::new();
    for disk in disks {
        let name = String::from(disk.name());
        match disk.permit(named) {
            Ok(permit) => permits.push(permit),
            Err(refusal) => reason = format!("{name}: failed to {refusal}"),
        }
    }
    if permits.is_empty() {
        return Err(BenchError::Skipped(reason));
    }
    bencher.add_figure("disks", u64::try_from(permits.len()).unwrap_or(u64::MAX));
    bencher.add_figure("disks_refused", u64::try_from(count - permits.len()).unwrap_or(u64::MAX));
    Ok(permits)
}

pub(super) fn failed(error: impl core::fmt::Display) -> BenchError {
    BenchError::Failed(format!("failed to {error}"))
}

/// Whether each disk reads as the pattern.
fn reads_back(permits: &mut [WritePermit<'_>]) -> Result<bool, BenchError> {
    let mut bytes = vec![0; BYTES];
    for (index, permit) in permits.iter_mut().enumerate() {
        permit.read(1, &mut bytes).map_err(failed)?;
        if bytes != pattern(index, BYTES) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn block_write_read(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut disks = disks(bencher)?;
    let mut permits = permits(bencher, &mut disks)?;
    bencher.set_bytes(Bytes(u64::try_from(2 * BYTES * permits.len()).unwrap_or(u64::MAX)));
    let patterns: Vec<Vec<u8>> = (0..permits.len()).map(|index| pattern(index, BYTES)).collect();
    let mut error = None;
    let write_and_read = || {
        let mut write = || {
            for (permit, pattern) in permits.iter_mut().zip(&patterns) {
                permit.write(1, pattern).map_err(failed)?;
                permit.flush().map_err(failed)?;
            }
            reads_back(&mut permits)
        };
        write().map_or_else(
            |why| {
                error = Some(why);
                0
            },
            u64::from,
        )
    };
    let result = bencher.measure(Expected::Each(1), write_and_read);
    error.map_or(result, Err)
}

fn block_reread(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut disks = disks(bencher)?;
    let mut permits = permits(bencher, &mut disks)?;
    if !reads_back(&mut permits)? {
        return Err(BenchError::Failed(String::from("what an earlier boot wrote is not there")));
    }
    bencher.measure(Expected::Each(1), || reads_back(&mut permits).map_or(0, u64::from))
}

/// Leaves every device running, a card with a frame under way and room for others to come.
fn abandon(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let disks = disks(bencher)?;
    let sources = sources(bencher)?;
    let mut cards = cards(bencher)?;
    for card in &mut cards {
        let question = arp_request(card.address().0);
        card.send(&question).map_err(|error| BenchError::Failed(format!("failed to {error}")))?;
    }
    bencher.measure(Expected::Varies, || {
        panic_with(core::hint::black_box(disks.len() + sources.len() + cards.len()))
    })
}

#[inline(never)]
fn panic_with(devices: usize) -> u64 {
    assert_eq!(devices, usize::MAX, "devices are left running on purpose");
    0
}

/// Every network card; one that does not start fails the bench.
pub(super) fn cards(bencher: &Bencher<'_>) -> Result<Vec<Box<dyn NetworkDevice>>, BenchError> {
    let cards = bencher.platform().open_network_devices();
    cards.into_iter().collect::<Result<_, String>>().map_err(BenchError::Failed)
}

/// Asks QEMU's gateway for its address (RFC 826) and waits for the answer.
fn net_arp(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let mut cards = cards(bencher)?;
    if cards.is_empty() {
        return Err(BenchError::Skipped(String::from(
            "the machine has no network card that this kernel drives",
        )));
    }
    bencher.add_figure("cards", u64::try_from(cards.len()).unwrap_or(u64::MAX));
    let patience = Nanoseconds::from_milliseconds(5_000).to_ticks(bencher.platform().frequency());
    for card in &mut cards {
        let begin = counter::now();
        while card.link() == LinkState::Down {
            if counter::now().since(begin) > patience {
                return Err(BenchError::Failed(String::from("a network card finds no line")));
            }
            core::hint::spin_loop();
        }
    }
    let ask = || u64::from(cards.iter_mut().all(|card| is_answered(&mut **card, patience)));
    bencher.measure(Expected::Each(1), ask)
}

/// Every source of random bytes; one that does not start fails the bench.
fn sources(bencher: &Bencher<'_>) -> Result<Vec<Box<dyn EntropySource>>, BenchError> {
    let sources = bencher.platform().open_entropy_sources();
    sources.into_iter().collect::<Result<_, String>>().map_err(BenchError::Failed)
}

/// Seeds differ, and many of them together look like random bytes.
fn entropy(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    const SEEDS: usize = 64;
    let mut sources = sources(bencher)?;
    if sources.is_empty() {
        let reason = "the machine has no source of random bytes that this kernel drives";
        return Err(BenchError::Skipped(String::from(reason)));
    }
    bencher.add_figure("sources", u64::try_from(sources.len()).unwrap_or(u64::MAX));
    let mut seed = Seed::new([0; SEED_BYTES]);
    for source in &mut sources {
        let mut all: Vec<[u8; SEED_BYTES]> = Vec::new();
        for _ in 0..SEEDS {
            source.gather(&mut seed).map_err(failed)?;
            if all.contains(&*seed) {
                return Err(BenchError::Failed(String::from("a source gives the same seed twice")));
            }
            all.push(*seed);
        }
        looks_like_random(all.as_flattened())?;
    }
    let gather = || u64::from(sources.iter_mut().all(|source| source.gather(&mut seed).is_ok()));
    bencher.measure(Expected::Each(1), gather)
}

const GATEWAY: [u8; 4] = [10, 0, 2, 2];

fn is_answered(card: &mut dyn NetworkDevice, patience: Ticks) -> bool {
    let begin = counter::now();
    if card.send(&arp_request(card.address().0)).is_err() {
        return false;
    }
    let mut frame = [0; 1514];
    while counter::now().since(begin) < patience {
        match card.receive(&mut frame) {
            Ok(Some(length)) if is_arp_answer(&frame[..length]) => return true,
            Ok(_) => core::hint::spin_loop(),
            Err(_) => return false,
        }
    }
    false
}

fn arp_request(own: [u8; 6]) -> [u8; 60] {
    let mut frame = [0; 60];
    frame[..6].fill(0xff);
    frame[6..12].copy_from_slice(&own);
    // Ethernet type ARP; Ethernet and IPv4 addresses of 6 and 4 bytes; a request.
    frame[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame[22..28].copy_from_slice(&own);
    frame[28..32].copy_from_slice(&[10, 0, 2, 15]);
    frame[38..42].copy_from_slice(&GATEWAY);
    frame
}

fn is_arp_answer(frame: &[u8]) -> bool {
    frame.get(12..22) == Some(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]) && frame.get(28..32) == Some(&GATEWAY)
}
