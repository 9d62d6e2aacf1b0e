//! The heap beside other allocators, in one process and with the same traces: `docs/peers/memory.md` says how to run this and
//! what came out.

mod peers;
mod resident;
mod rounds;
mod traces;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => rounds::run_all(20),
        ["--rounds", count] => rounds::run_all(count.parse().unwrap_or(20)),
        ["--resident"] => resident::compare(),
        ["--resident-of", peer, live] => resident::print(peer, live),
        _ => {
            eprintln!("usage: allocators [--rounds <n> | --resident]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
