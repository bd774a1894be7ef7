//! Texts as such files hold them, within bounds.

use crate::{Fault, cells};
use kernel::text;

fn bounded(text: String, max: usize) -> Result<String, Fault> {
    // Whoever types one of these by hand has no reader of a table before it.
    if text::has_control(&text) {
        Err(Fault::Control)
    } else if text.chars().count() > max {
        Err(Fault::TooLong { max })
    } else {
        Ok(text)
    }
}

/// A name in kanji with every character kept, and none lost on its way.
pub fn kanji(field: &str, max: usize) -> Result<String, Fault> {
    if cells::has_lost_character(field) {
        return Err(Fault::LostKanji);
    }
    bounded(field.trim().to_owned(), max)
}

/// A code, in one width.
pub fn code(field: &str, max: usize) -> Result<String, Fault> {
    bounded(text::normalize(field), max)
}

/// A text as written, blanks at its ends aside.
pub fn written(field: &str, max: usize) -> Result<String, Fault> {
    bounded(text::written(field), max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_takes_a_control_character() {
        for typed in ["\0x", "あ\0", "あ\u{1}い", "あ\u{85}い"] {
            for read in [kanji, code, written] {
                assert_eq!(read(typed, 40), Err(Fault::Control), "{typed:?}");
            }
        }
    }
}
