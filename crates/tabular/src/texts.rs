//! Texts as such files hold them, within bounds.

use crate::{Fault, cells};
use kernel::text;

fn bounded(text: String, max: usize) -> Result<String, Fault> {
    if text.chars().count() > max {
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
