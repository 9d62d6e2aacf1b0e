//! The terminal: taken, drawn on, read from, and given back whatever happens.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::draw::draw;
use super::keys::{Key, Request};
use super::source::Source;
use super::state::State;
use crate::report::Palette;
use crate::store::UnixSeconds;

/// How long the files are left alone while no key comes.
const PAUSE: Duration = Duration::from_millis(150);

/// Why the picture was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The user left.
    ByUser,
    /// A signal asked for it.
    BySignal,
}

/// The terminal in the mode for pictures, until it is dropped. A panic gives it back before it is told, through the hook
/// that [`ratatui::try_init`] sets.
struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    fn take() -> io::Result<Self> {
        // A terminal that was taken by half is given back.
        let terminal = ratatui::try_init().inspect_err(|_| drop(ratatui::try_restore()))?;
        Ok(Self { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = self.terminal.show_cursor();
        let _ = ratatui::try_restore();
    }
}

/// Shows what `source` knows until the user leaves or `stop` is set.
///
/// # Errors
/// The terminal cannot be used.
pub fn show(mut source: Source, palette: Palette, stop: &AtomicBool) -> io::Result<Closed> {
    let mut state = State::new(source.place(), UnixSeconds::now());
    let mut screen = Screen::take()?;
    let mut is_stale = true;
    while !stop.load(Ordering::Relaxed) {
        is_stale |= source.look(&mut state);
        let now = UnixSeconds::now();
        is_stale |= now != state.now;
        state.now = now;
        if is_stale {
            screen.terminal.draw(|frame| draw(&state, palette, frame))?;
            is_stale = false;
        }
        // A key is answered at once, and those that came with it too.
        let mut patience = PAUSE;
        while event::poll(patience)? {
            patience = Duration::ZERO;
            is_stale = true;
            match key_of(&event::read()?).map(|key| state.press(key)) {
                Some(Request::Quit) => return Ok(Closed::ByUser),
                Some(Request::NewestRun) => source.follow_newest(),
                Some(Request::Nothing) | None => {}
            }
        }
    }
    Ok(Closed::BySignal)
}

/// The key of `event`; `None` for what is none, such as a new size, which the next picture takes by itself.
fn key_of(event: &Event) -> Option<Key> {
    let Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else { return None };
    if *kind == KeyEventKind::Release {
        return None;
    }
    let has_control = modifiers.contains(KeyModifiers::CONTROL);
    Some(match code {
        KeyCode::Char('c') if has_control => Key::Interrupt,
        KeyCode::Char(_) if has_control || modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char(character) => Key::Character(*character),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        key_of(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn control_c_leaves_and_other_chords_do_nothing() {
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Interrupt));
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::CONTROL), None);
        assert_eq!(key(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(Key::Character('G')));
        assert_eq!(key_of(&Event::Resize(1, 1)), None);
    }
}
