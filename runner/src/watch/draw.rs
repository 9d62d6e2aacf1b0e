//! The whole picture: a function of the state, the palette and the size of the screen.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::state::State;
use super::theme::look;
use super::{list, panes};
use crate::report::{Palette, Style, clean};

/// The smallest screen on which anything can be read.
const LEAST: (u16, u16) = (40, 10);

/// Lines of the details and of the log, with their titles.
const DETAILS: u16 = 8;
const LOG: u16 = 6;

/// Lines that the list keeps, with its heading, before a pane below it is left out.
const LIST: u16 = 4;

/// Draws `state` on the whole of `frame`.
pub(super) fn draw(state: &State, palette: Palette, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    let whole_width = usize::from(area.width);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("make the terminal {} by {} or larger", LEAST.0, LEAST.1);
        buffer.set_stringn(area.x, area.y, text, whole_width, look(palette, Style::Plain));
        return;
    }
    let keys = Rect { y: area.bottom() - 1, height: 1, ..area };
    let Some(snapshot) = &state.snapshot else {
        let text = format!("waiting for a run: none is going on beside {}", clean(&state.place));
        buffer.set_stringn(area.x, area.y, text, whole_width, look(palette, Style::Bold));
        if let Some(trouble) = &state.trouble {
            buffer.set_stringn(area.x, area.y + 1, trouble, whole_width, look(palette, Style::Bad));
        }
        buffer.set_stringn(keys.x, keys.y, "q quit", whole_width, look(palette, Style::Dim));
        return;
    };
    panes::header(state, snapshot, palette, Rect { height: 2, ..area }, buffer);
    panes::progress(snapshot, palette, Rect { y: area.y + 2, height: 1, ..area }, buffer);
    panes::keys(state, palette, keys, buffer);
    let mut rest = Rect { y: area.y + 3, height: area.height - 4, ..area };
    if state.has_log
        && let Some(below) = cut(&mut rest, LOG)
    {
        panes::log(state, snapshot, palette, below, buffer);
    }
    if let Some(row) = state.marked().filter(|_| state.has_details)
        && let Some(below) = cut(&mut rest, DETAILS)
    {
        panes::details(row, palette, below, buffer);
    }
    list::draw(state, palette, rest, buffer);
}

/// Takes the lowest `height` lines from `area` if enough are left for the list.
fn cut(area: &mut Rect, height: u16) -> Option<Rect> {
    let left = area.height.checked_sub(height).filter(|left| *left >= LIST)?;
    let below = Rect { y: area.y + left, height, ..*area };
    area.height = left;
    Some(below)
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::buffer::Buffer;
    use ratatui::style::Color;

    use super::*;
    use crate::live::LiveState;
    use crate::report::golden::check;
    use crate::store::UnixSeconds;
    use crate::watch::keys::Key;
    use crate::watch::samples::state;
    use proptest::prelude::*;

    fn drawn(state: &State, palette: Palette, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory");
        terminal.draw(|frame| draw(state, palette, frame)).expect("memory");
        terminal.backend().buffer().clone()
    }

    fn text(buffer: &Buffer) -> String {
        let row = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect::<String>();
        let lines = buffer.content.chunks(usize::from(buffer.area.width)).map(row);
        lines.map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    fn shown(state: &State, width: u16, height: u16) -> String {
        text(&drawn(state, Palette::Plain, width, height))
    }

    #[test]
    fn the_picture_of_a_run_that_goes_on() {
        check("watch-80x24.txt", &shown(&state(), 80, 24));
        let mut state = state();
        for key in [Key::Up, Key::Up, Key::Enter] {
            state.press(key);
        }
        check("watch-details-120x30.txt", &shown(&state, 120, 30));
    }

    #[test]
    fn the_waiting_says_where_it_looks() {
        let state = State::new("/lab/results.db".into(), UnixSeconds(0));
        let text = shown(&state, 80, 24);
        assert!(text.starts_with("waiting for a run: none is going on beside /lab/results.db\n"), "{text}");
    }

    #[test]
    fn silence_and_breaking_off_are_told() {
        let mut state = state();
        state.now.0 += 40;
        assert!(shown(&state, 80, 24).contains("silent for 41 s"));
        state.snapshot.as_mut().expect("a run").state = LiveState::BrokenOff;
        assert!(shown(&state, 80, 24).contains("broken off"));
    }

    #[test]
    fn a_low_screen_drops_the_panes_and_keeps_the_list() {
        let mut state = state();
        state.has_details = true;
        let text = shown(&state, 80, 10);
        assert!(text.contains("memory/alloc-large/1mi") && !text.contains("\u{2500} log"), "{text}");
        assert!(shown(&state, 39, 10).starts_with("make the terminal"));
    }

    #[test]
    fn without_colour_no_cell_has_one() {
        let mut state = state();
        state.has_details = true;
        let has_colour = |palette| {
            let buffer = drawn(&state, palette, 100, 30);
            buffer.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
        };
        assert!(has_colour(Palette::Coloured) && !has_colour(Palette::Plain));
    }

    proptest! {
        /// A terminal may have any size, and the mark is in view wherever there is a list.
        #[test]
        fn every_size_has_a_picture(width in 1_u16..200, height in 1_u16..60, has_details: bool, has_log: bool, downs in 0_usize..12) {
            let mut state = state();
            (state.has_details, state.has_log) = (has_details, has_log);
            state.press(Key::Home);
            for _ in 0..downs {
                state.press(Key::Down);
            }
            let buffer = drawn(&state, Palette::Plain, width, height);
            let is_reversed = |cell: &ratatui::buffer::Cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED);
            prop_assert_eq!(buffer.content.iter().any(is_reversed), width >= LEAST.0 && height >= LEAST.1);
        }
    }
}
