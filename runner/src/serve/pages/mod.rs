//! The pages.

mod bench;
mod benches;
mod compare;
mod findings;
mod layout;
mod live;
mod machine;
mod overview;
pub(super) mod parts;
mod run;
mod runs;
mod search;
mod sign_in;
mod verdicts;

pub(super) use bench::bench;
pub(super) use benches::benches;
pub(super) use compare::{compare, comparison_of};
pub(super) use findings::{acknowledge, findings, reopen};
pub(super) use layout::refusal;
pub(super) use live::live;
pub(super) use machine::{machine, machines};
pub(super) use overview::overview;
pub(super) use run::{load, run, run_csv, run_json};
pub(super) use runs::{PAGE as RUNS_PAGE, pages_of, runs};
pub(super) use search::{search, search_in};
pub(super) use sign_in::login;
