//! Colour on a terminal, none elsewhere.

use std::env;
use std::io::IsTerminal;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    #[default]
    Plain,
    /// What the eye should find first.
    Bold,
    /// What matters less.
    Dim,
    /// All is well.
    Good,
    /// Worth knowing.
    Warning,
    /// Something is wrong.
    Bad,
    /// A heading.
    Heading,
}

/// Whether styles are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// By escape sequences (ECMA-48, section 8.3.117).
    Coloured,
    /// Not at all.
    Plain,
}

impl Palette {
    /// The palette for `stream`: coloured if it is a terminal, unless `NO_COLOR` is set to something or the terminal
    /// is `dumb`.
    #[must_use]
    pub fn of(stream: &impl IsTerminal) -> Self {
        let is_refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        if stream.is_terminal() && !is_refused && !is_dumb { Self::Coloured } else { Self::Plain }
    }

    /// `text` in `style`.
    #[must_use]
    pub fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            _ if self == Self::Plain || text.is_empty() => return text.to_owned(),
            Style::Plain => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "1;31",
            Style::Heading => "1;36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_palette_adds_nothing() {
        assert_eq!(Palette::Plain.paint(Style::Bad, "x"), "x");
        assert_eq!(Palette::Coloured.paint(Style::Bad, "x"), "\u{1b}[1;31mx\u{1b}[0m");
        assert_eq!(Palette::Coloured.paint(Style::Plain, "x"), "x");
    }
}
