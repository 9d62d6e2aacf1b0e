//! Rounds in which every allocator has its turn, there and back again.

use crate::peers::{self, Peer};
use crate::traces::{TRACES, Trace, large};

/// Sizes of long blocks.
const LARGE_BYTES: [usize; 3] = [1 << 20, 4 << 20, 64 << 20];
const LARGE_SAMPLES: usize = 200;

/// Runs every trace, and prints a table for each.
pub(crate) fn run_all(rounds: usize) {
    let peers: &'static [Peer] = Box::leak(Box::new(peers::all()));
    println!(
        "{rounds} rounds; processor time in ns an operation; ratio: ours to theirs, median of the rounds' ratios"
    );
    for trace in &TRACES {
        run(peers, trace, rounds);
    }
    run_large(peers, rounds);
}

fn run(peers: &'static [Peer], trace: &Trace, rounds: usize) {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    for round in 0..=rounds {
        for at in order(peers.len(), round) {
            let nanoseconds = (trace.run)(&peers[at].heap, trace.operations);
            // The first round warms up.
            if round > 0 {
                times[at].push(to_f64(nanoseconds) / to_f64(trace.operations as u128));
            }
        }
    }
    println!("\n{:24} {:>9} {:>9} {:>9} {:>7}", trace.name, "median", "fastest", "slowest", "ratio");
    for (peer, times_here) in peers.iter().zip(&times) {
        let ratios: Vec<f64> = times[0].iter().zip(times_here).map(|(ours, theirs)| ours / theirs).collect();
        let (fastest, slowest) = (quantile(times_here, 0.0), quantile(times_here, 1.0));
        let median = quantile(times_here, 0.5);
        println!(
            "  {:22} {median:9.2} {fastest:9.2} {slowest:9.2} {:7.2}",
            peer.name,
            quantile(&ratios, 0.5)
        );
    }
}

fn run_large(peers: &'static [Peer], rounds: usize) {
    for bytes in LARGE_BYTES {
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
        for round in 0..rounds {
            for at in order(peers.len(), round) {
                times[at].extend(large(&peers[at].heap, bytes, LARGE_SAMPLES).into_iter().map(to_f64));
            }
        }
        println!(
            "\n{:24} {:>9} {:>9} {:>9}",
            format!("untouched, {} MiB", bytes >> 20),
            "median",
            "P99",
            "slowest"
        );
        for (peer, times) in peers.iter().zip(&times) {
            let [median, p99, slowest] = [0.5, 0.99, 1.0].map(|at| quantile(times, at));
            println!("  {:22} {median:9.0} {p99:9.0} {slowest:9.0}", peer.name);
        }
    }
}

/// All from first to last in one round, from last to first in the next.
fn order(count: usize, round: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..count).collect() } else { (0..count).rev().collect() }
}

/// The value below which this share of all lies.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (0..=last).find(|at| to_f64(*at as u128) >= share * to_f64(last as u128)).unwrap_or(last);
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
fn to_f64(value: u128) -> f64 {
    value as f64
}
