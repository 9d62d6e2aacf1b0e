//! Styles of the reports on a screen.

use ratatui::style::{Color, Modifier, Style as ScreenStyle};

use crate::report::{Palette, Style};

/// How `style` looks under `palette`. Without colours there is still bold and dim, which are none.
pub(super) fn look(palette: Palette, style: Style) -> ScreenStyle {
    let plain = ScreenStyle::new();
    let (colour, modifier) = match style {
        Style::Plain => return plain,
        Style::Bold => return plain.add_modifier(Modifier::BOLD),
        Style::Dim => return plain.add_modifier(Modifier::DIM),
        Style::Good => (Color::Green, Modifier::empty()),
        Style::Warning => (Color::Yellow, Modifier::empty()),
        Style::Bad => (Color::Red, Modifier::BOLD),
        Style::Heading => (Color::Cyan, Modifier::BOLD),
    };
    let look = plain.add_modifier(modifier);
    if palette == Palette::Coloured { look.fg(colour) } else { look }
}
