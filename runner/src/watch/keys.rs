//! What keys do.

use super::state::State;

/// A key, apart from any terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Escape,
    Backspace,
    /// Ctrl-C.
    Interrupt,
}

/// What a key asks of the world outside the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Nothing,
    /// Leave.
    Quit,
    /// Follow the newest run that is going on.
    NewestRun,
}

/// Rows that a page key moves.
const PAGE: usize = 10;

impl State {
    /// Takes a key.
    pub(super) fn press(&mut self, key: Key) -> Request {
        match key {
            Key::Interrupt => return Request::Quit,
            _ if self.is_typing => self.type_key(key),
            Key::Character('q') => return Request::Quit,
            Key::Character('n') => return Request::NewestRun,
            Key::Character('/') => self.is_typing = true,
            Key::Character('s') => self.next_suite(),
            Key::Character('f') => {
                self.is_following = true;
                self.settle();
            }
            Key::Character('l') => self.has_log = !self.has_log,
            Key::Character('[') => self.move_log(1),
            Key::Character(']') => self.log_back = self.log_back.saturating_sub(1),
            Key::Enter => self.has_details = !self.has_details,
            Key::Escape if self.has_details => self.has_details = false,
            Key::Escape => self.set_filter(String::new()),
            Key::Up | Key::Character('k') => self.move_mark(|place| place.saturating_sub(1)),
            Key::Down | Key::Character('j') => self.move_mark(|place| place + 1),
            Key::PageUp => self.move_mark(|place| place.saturating_sub(PAGE)),
            Key::PageDown => self.move_mark(|place| place + PAGE),
            Key::Home | Key::Character('g') => self.move_mark(|_| 0),
            Key::End | Key::Character('G') => self.move_mark(|_| usize::MAX),
            Key::Backspace | Key::Character(_) => {}
        }
        Request::Nothing
    }

    fn type_key(&mut self, key: Key) {
        match key {
            Key::Character(character) if !character.is_control() => {
                let filter = format!("{}{character}", self.filter);
                self.set_filter(filter);
            }
            Key::Backspace => {
                let mut filter = self.filter.clone();
                filter.pop();
                self.set_filter(filter);
            }
            Key::Enter => self.is_typing = false,
            Key::Escape => {
                self.is_typing = false;
                self.set_filter(String::new());
            }
            Key::Up => self.move_mark(|place| place.saturating_sub(1)),
            Key::Down => self.move_mark(|place| place + 1),
            _ => {}
        }
    }

    fn set_filter(&mut self, filter: String) {
        self.filter = filter;
        self.settle();
    }

    /// Whoever moves the mark wants it to stay.
    fn move_mark(&mut self, to: impl FnOnce(usize) -> usize) {
        self.is_following = false;
        let place = to(self.place_of_mark().unwrap_or_default());
        self.mark(place);
    }

    /// Marks the first bench of the suite after the marked one's; after the last suite, of the first.
    fn next_suite(&mut self) {
        self.is_following = false;
        let place = self.place_of_mark().unwrap_or_default();
        let visible = self.visible();
        let Some(here) = visible.get(place).map(|row| row.suite()) else { return };
        let next = visible.iter().skip(place).position(|row| row.suite() != here);
        let next = next.map_or(0, |distance| place + distance);
        self.mark(next);
    }

    fn move_log(&mut self, by: usize) {
        let lines = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.log.len());
        self.log_back = self.log_back.saturating_add(by).min(lines.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::samples::state;
    use proptest::prelude::*;

    fn pressed(keys: &[Key]) -> State {
        let mut state = state();
        for key in keys {
            assert_eq!(state.press(*key), Request::Nothing);
        }
        state
    }

    fn typed(text: &str) -> Vec<Key> {
        text.chars().map(Key::Character).collect()
    }

    #[test]
    fn the_mark_follows_what_runs_until_the_user_moves_it() {
        let mut state = state();
        assert_eq!(state.selected.as_deref(), Some("memory/alloc-large/1mi"), "it runs");
        state.press(Key::Up);
        assert_eq!(state.selected.as_deref(), Some("memory/realloc/64"));
        let snapshot = state.snapshot.clone().expect("a run");
        state.take(snapshot);
        assert_eq!(state.selected.as_deref(), Some("memory/realloc/64"), "it stays");
        state.press(Key::Character('f'));
        assert_eq!(state.selected.as_deref(), Some("memory/alloc-large/1mi"));
    }

    #[test]
    fn suites_are_jumped_to_in_turn() {
        let mut state = pressed(&[Key::Home]);
        let mut suites = Vec::new();
        for _ in 0..4 {
            state.press(Key::Character('s'));
            suites.push(state.selected.clone().expect("a mark"));
        }
        assert_eq!(
            suites,
            ["security/verify-ed25519", "memory/alloc-small/16", "env/timer-pair", "security/verify-ed25519"]
        );
    }

    #[test]
    fn a_filter_is_typed_kept_and_cleared() {
        let mut state = pressed(&typed("/alloc"));
        assert_eq!((state.is_typing, state.visible().len()), (true, 5), "realloc too");
        state.press(Key::Backspace);
        assert_eq!(state.filter, "allo");
        state.press(Key::Enter);
        assert!(!state.is_typing && state.filter == "allo");
        state.press(Key::Escape);
        assert!(state.filter.is_empty());
    }

    #[test]
    fn letters_are_text_while_a_filter_is_typed() {
        let state = pressed(&typed("/q"));
        assert_eq!((state.filter.as_str(), state.visible().len()), ("q", 0));
        assert!(state.marked().is_none());
    }

    #[test]
    fn leaving_works_from_everywhere() {
        assert_eq!(state().press(Key::Character('q')), Request::Quit);
        assert_eq!(pressed(&typed("/x")).press(Key::Interrupt), Request::Quit);
    }

    #[test]
    fn panes_open_and_close() {
        let mut state = pressed(&[Key::Enter, Key::Character('l')]);
        assert!(state.has_details && !state.has_log);
        state.press(Key::Escape);
        assert!(!state.has_details);
    }

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            any::<char>().prop_map(Key::Character),
            prop::sample::select("jkgGslf/[]n".chars().map(Key::Character).collect::<Vec<_>>()),
            prop::sample::select(vec![
                Key::Up,
                Key::Down,
                Key::PageUp,
                Key::PageDown,
                Key::Home,
                Key::End,
                Key::Enter,
                Key::Escape,
                Key::Backspace,
            ]),
        ]
    }

    proptest! {
        /// Whatever is pressed: the mark stands on a visible row if there is one, and the log has a last line.
        #[test]
        fn the_mark_is_always_visible(keys in prop::collection::vec(any_key(), 0..60)) {
            let mut state = state();
            for key in keys {
                state.press(key);
                prop_assert_eq!(state.marked().is_some(), !state.visible().is_empty());
                prop_assert!(state.log_back < state.snapshot.as_ref().map_or(1, |snapshot| snapshot.log.len()).max(1));
            }
        }
    }
}
