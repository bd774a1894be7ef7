//! All that commands say goes to the terminal from here. Names, headers and values come from files and people, and a
//! terminal obeys what is written to it (security.md 71): what is no character to be read is shown as its escape.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
};

/// Says a line, as `println!`.
macro_rules! say {
    ($($words:tt)*) => { $crate::terminal::out(&$crate::terminal::line(&format!($($words)*))) };
}

/// Says a line of what went wrong, as `eprintln!`.
macro_rules! complain {
    ($($words:tt)*) => { $crate::terminal::err(&$crate::terminal::line(&format!($($words)*))) };
}

pub(crate) use {complain, say};

/// A text that is one line on the terminal, whatever it holds.
pub(crate) fn line(text: &str) -> String {
    shown(text, |c| c == '\t')
}

/// A text of several lines.
pub fn lines(text: &str) -> String {
    shown(text, |c| matches!(c, '\n' | '\t'))
}

/// Writes to standard output, with a line feed behind it. A terminal or pipe that went away stops nothing.
pub(crate) fn out(shown: &str) {
    drop(writeln!(io::stdout(), "{shown}"));
}

/// Writes to standard error, with a line feed behind it.
pub fn err(shown: &str) {
    drop(writeln!(io::stderr(), "{shown}"));
}

/// Says how far something is, over what was said before; nothing where nobody watches.
pub(crate) fn progress(text: &str) {
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        drop(write!(terminal, "\r\x1b[K  {}", line(text)));
        drop(terminal.flush());
    }
}

/// Takes the progress off again.
pub(crate) fn end_progress() {
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        drop(write!(terminal, "\r\x1b[K"));
        drop(terminal.flush());
    }
}

/// Control characters, and what turns the direction of writing or ends a line where no line feed stands.
fn shown(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let is_order = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_order(c) && !is_kept(c) {
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // security.md 71
    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(
            line("氏名\u{1b}[2J\u{7}\r\n\u{9b}31m\u{202e}x\tう゛é"),
            "氏名\\u{1b}[2J\\u{7}\\u{d}\\u{a}\\u{9b}31m\\u{202e}x\tう゛é"
        );
        assert_eq!(lines("a\nb\u{1b}c"), "a\nb\\u{1b}c");
    }

    proptest! {
        #[test]
        fn no_text_moves_the_cursor_or_makes_a_second_line(text in any::<String>()) {
            prop_assert!(!line(&text).contains(|c: char| c.is_control() && c != '\t'));
            prop_assert!(!lines(&text).contains(|c: char| c.is_control() && c != '\t' && c != '\n'));
        }
    }
}
