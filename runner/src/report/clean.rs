//! Text from outside, made harmless for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest text from outside that is shown, in characters.
const LENGTH_MAX: usize = 1000;

/// `text` on one line, with every character that a terminal could obey or be fooled by written as an escape, and cut
/// when it is very long.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let is_short = text.len() <= LENGTH_MAX;
    if is_short && text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len().min(LENGTH_MAX) + 8);
    for (place, character) in text.chars().enumerate() {
        if place == LENGTH_MAX {
            cleaned.push_str("...");
            break;
        }
        if is_harmless(character) {
            cleaned.push(character);
        } else if matches!(character, '\n' | '\r' | '\t') {
            cleaned.push(' ');
        } else {
            // Writing to a string cannot fail.
            let _ = write!(cleaned, "\\u{{{:x}}}", u32::from(character));
        }
    }
    Cow::Owned(cleaned)
}

/// Control characters move the cursor; bidirectional and invisible ones make text read as what it is not (Unicode
/// Technical Report 36, section 2.5 and Standard Annex 9, table 4).
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{7}\u{9b}31m"), "a\\u{1b}[2Jb\\u{7}\\u{9b}31m");
        assert_eq!(clean("two\nlines"), "two lines");
        assert_eq!(clean("\u{202e}txt.exe"), "\\u{202e}txt.exe");
    }

    #[test]
    fn ordinary_text_passes() {
        assert!(matches!(clean("Prozessor ä 9000 ± 中"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(clean(&"x".repeat(10_000)).len(), LENGTH_MAX + 3);
    }

    proptest! {
        #[test]
        fn cleaned_text_has_no_control_characters(text in any::<String>()) {
            prop_assert!(clean(&text).chars().all(is_harmless));
        }
    }
}
