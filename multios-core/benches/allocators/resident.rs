//! How much memory a process has after a trace, with one allocator in each process.

use std::process::Command;

use crate::peers;
use crate::traces::churn_with;

/// Live blocks of the traces.
const LIVE: [usize; 2] = [1024, 100_000];
/// Pairs for each live block.
const PAIRS: usize = 50;

/// Prints what each allocator takes.
pub(crate) fn compare() {
    let program = std::env::current_exe().expect("this program");
    for live in LIVE {
        println!(
            "\n{live} live blocks of 16..1024 B, KiB more than before: with the blocks, and after they are freed"
        );
        for peer in peers::all() {
            let child = Command::new(&program).args(["--resident-of", peer.name, &live.to_string()]).output();
            print!(
                "  {:12} {}",
                peer.name,
                String::from_utf8_lossy(&child.expect("the program runs").stdout)
            );
        }
    }
}

/// Prints what one allocator takes in this process.
pub(crate) fn print(name: &str, live: &str) {
    let live: usize = live.parse().expect("a number of blocks");
    let peers: &'static [peers::Peer] = Box::leak(Box::new(peers::all()));
    let peer = peers.iter().find(|peer| peer.name == name).expect("a peer");
    let before = kibibytes();
    let (_, blocks) = churn_with(&peer.heap, PAIRS * live, live, 1);
    let held = kibibytes() - before;
    let asked: usize = blocks.iter().map(|block| block.layout().size()).sum();
    drop(blocks);
    println!("{held:8} {:8}   (asked for {})", kibibytes() - before, asked / 1024);
}

/// Resident memory of this process; the sum over its mappings is exact.
fn kibibytes() -> i64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("the system tells");
    let line = text.lines().find(|line| line.starts_with("Rss:")).expect("a line");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
