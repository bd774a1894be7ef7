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

/// Sets the direction in which characters are written.
fn turns(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// True of what a form may hold as a cell may: neither control characters nor what a spreadsheet takes for a formula, or has made
/// of one. Digits and days are typed as they are meant.
pub fn is_plain(typed: &str) -> bool {
    !text::has_control(typed) && matches!(cells::damage(typed, false), None | Some(Fault::Exponential))
}

/// A name in kanji with every character kept, and none lost on its way.
pub fn kanji(field: &str, max: usize) -> Result<String, Fault> {
    if cells::has_lost_character(field) {
        return Err(Fault::LostKanji);
    }
    // Every character is kept, and one of these would turn what stands behind it.
    if field.contains(turns) {
        return Err(Fault::Control);
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
