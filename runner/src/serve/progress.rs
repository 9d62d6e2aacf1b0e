//! How far a live run is.

use perf_kernel::wire::Status;
use serde::Serialize;

use crate::live::{Follower, LiveRun, LiveState, RunTail};
use crate::report::clean;

/// How far a live run is, for pages, events and scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Progress {
    /// Its id.
    pub(super) run: String,
    /// `going on`, `broken off` or `over`.
    pub(super) state: &'static str,
    /// Place of its newest start, from 1; 0 before the first.
    pub(super) turn: u32,
    /// Boots that it is to have.
    pub(super) boots_asked: Option<u32>,
    /// What figures mean.
    pub(super) mode: Option<&'static str>,
    /// Benches that the newest boot is to run.
    pub(super) planned: Option<u32>,
    /// Benches that have ended in it.
    pub(super) done: usize,
    /// Those of them that were measured.
    pub(super) measured: usize,
    /// Those that were skipped.
    pub(super) skipped: usize,
    /// Those that failed or are invalid.
    pub(super) bad: usize,
    /// The bench that runs.
    pub(super) running: Option<String>,
    /// Whether the kernel has said its last word.
    pub(super) has_ended: bool,
    /// Frames that were damaged or are missing.
    pub(super) frames_lost: u64,
    /// What keeps the run from being followed further.
    pub(super) trouble: Option<String>,
}

impl Progress {
    /// How far the run of `tail` is, as of its newest look.
    pub(super) fn of(tail: &RunTail) -> Self {
        let run = tail.run();
        let mut progress = Self {
            run: run.head.id.clone(),
            state: state_name(run),
            turn: run.turn,
            boots_asked: run.boots_asked,
            ..Self::default()
        };
        if let Some(tail) = tail.tail() {
            progress.take(tail.follower());
            if tail.is_too_long() {
                progress.trouble = Some("the transcript is too long to be followed further".to_owned());
            }
        }
        progress
    }

    fn take(&mut self, follower: &Follower) {
        self.mode = follower.clock().map(|clock| clock.mode.name());
        self.planned = follower.benches_planned();
        for bench in follower.benches() {
            self.done += 1;
            match bench.status {
                Status::Measured => self.measured += 1,
                Status::Skipped => self.skipped += 1,
                Status::Failed | Status::Invalid => self.bad += 1,
            }
        }
        self.running = follower.running().map(|start| clean(&start.id).into_owned());
        self.has_ended = follower.end().is_some();
        let damage = follower.damage();
        let missing = u64::try_from(damage.frames_missing.len()).unwrap_or(u64::MAX);
        self.frames_lost = damage.frames_damaged.saturating_add(missing);
        self.trouble = follower.trouble().map(ToString::to_string);
    }

    /// What happens just now, in words.
    pub(super) fn doing(&self) -> String {
        if let Some(trouble) = &self.trouble {
            return format!("cannot be followed: {}", clean(trouble));
        }
        match (&self.running, self.has_ended) {
            _ if self.state == state_name_of(LiveState::BrokenOff) => {
                "broken off: its maker is gone".to_owned()
            }
            _ if self.state == state_name_of(LiveState::Over) => "over".to_owned(),
            (Some(bench), _) => format!("runs {bench}"),
            (None, true) => "has ended this boot".to_owned(),
            (None, false) if self.planned.is_some() => "is between benches".to_owned(),
            (None, false) => "is starting the machine".to_owned(),
        }
    }

    /// The newest start among those asked for, in words.
    pub(super) fn boot(&self) -> String {
        match self.boots_asked {
            Some(asked) => format!("boot {} of {asked}", self.turn.max(1)),
            None => format!("boot {}", self.turn.max(1)),
        }
    }
}

fn state_name(run: &LiveRun) -> &'static str {
    state_name_of(run.state)
}

const fn state_name_of(state: LiveState) -> &'static str {
    match state {
        LiveState::GoingOn => "going on",
        LiveState::BrokenOff => "broken off",
        LiveState::Over => "over",
    }
}
