//! What the user has chosen to see, with what is to be seen.

use super::snapshot::{Row, RowState, Snapshot};
use crate::store::UnixSeconds;

/// Everything that the picture depends on, besides its size.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The run; `None` while there is none.
    pub(super) snapshot: Option<Snapshot>,
    /// Where runs are looked for, for the waiting.
    pub(super) place: String,
    /// The time now.
    pub(super) now: UnixSeconds,
    /// When the newest bytes arrived, by the transcript's file time.
    pub(super) changed: Option<UnixSeconds>,
    /// Why files cannot be read at the moment.
    pub(super) trouble: Option<String>,
    /// The bench that is marked.
    pub(super) selected: Option<String>,
    /// Whether the mark goes with the bench that runs.
    pub(super) is_following: bool,
    /// What the ids in the list contain.
    pub(super) filter: String,
    /// Whether the filter is being typed.
    pub(super) is_typing: bool,
    /// Whether the details of the marked bench are open.
    pub(super) has_details: bool,
    /// Whether the log is open.
    pub(super) has_log: bool,
    /// Lines between the log's last shown line and its end.
    pub(super) log_back: usize,
}

impl State {
    /// The state at the start, with runs looked for in `place`.
    pub(super) fn new(place: String, now: UnixSeconds) -> Self {
        Self {
            snapshot: None,
            place,
            now,
            changed: None,
            trouble: None,
            selected: None,
            is_following: true,
            filter: String::new(),
            is_typing: false,
            has_details: false,
            has_log: true,
            log_back: 0,
        }
    }

    /// Takes what is to be seen from now on.
    pub(super) fn take(&mut self, snapshot: Snapshot) {
        let is_other = self.snapshot.as_ref().is_none_or(|before| before.run != snapshot.run);
        if is_other {
            self.is_following = true;
            self.log_back = 0;
        }
        self.snapshot = Some(snapshot);
        self.settle();
    }

    /// The rows that the filter lets through.
    pub(super) fn visible(&self) -> Vec<&Row> {
        let rows = self.snapshot.iter().flat_map(|snapshot| &snapshot.rows);
        rows.filter(|row| row.id.contains(&self.filter)).collect()
    }

    /// The marked row's place among the visible ones; `None` if none is visible.
    pub(super) fn place_of_mark(&self) -> Option<usize> {
        let selected = self.selected.as_deref()?;
        self.visible().iter().position(|row| row.id == selected)
    }

    /// The marked row.
    pub(super) fn marked(&self) -> Option<&Row> {
        let place = self.place_of_mark()?;
        self.visible().get(place).copied()
    }

    /// Seconds that the run took so far, or took in all.
    pub(super) fn elapsed_s(&self) -> Option<u64> {
        let snapshot = self.snapshot.as_ref()?;
        let end = match snapshot.state {
            crate::live::LiveState::GoingOn => self.now,
            _ => self.changed?,
        };
        Some(end.0.saturating_sub(snapshot.started.0))
    }

    /// Moves the mark to `place` among the visible rows, or the last of them.
    pub(super) fn mark(&mut self, place: usize) {
        let visible = self.visible();
        let row = visible.get(place).or(visible.last());
        self.selected = row.map(|row| row.id.clone());
    }

    /// Puts the mark on a visible row: the one that runs while it is followed, else the one where it was.
    pub(super) fn settle(&mut self) {
        let visible = self.visible();
        let is_ended = |row: &&&Row| matches!(row.state, RowState::Ended(_));
        let running = visible.iter().find(|row| row.state == RowState::Running);
        let newest = running.or_else(|| visible.iter().rev().find(is_ended));
        if self.is_following
            && let Some(row) = newest
        {
            self.selected = Some(row.id.clone());
        } else if self.place_of_mark().is_none() {
            self.selected = visible.first().map(|row| row.id.clone());
        }
    }
}
