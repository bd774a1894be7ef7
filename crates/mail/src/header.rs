//! Headers that hold Japanese, as RFC 2047 wants them: no encoded word longer than 75 octets, no line with one in it longer
//! than 76, each word whole characters. lettre puts an address behind the last word without counting its octets.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::message::header::{HeaderName, HeaderValue};

/// Octets of a line with an encoded word in it. A word on a line of its own, behind the blank that folds it, is then one
/// shorter, as long as a word may be.
const LINE: usize = 76;
const OPEN: &str = "=?utf-8?b?";
const CLOSE: &str = "?=";

/// A header that is ASCII and stays as it is.
pub(crate) fn plain(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

/// A header that is a text.
pub(crate) fn text(name: &'static str, text: &str) -> HeaderValue {
    let mut lines = Lines::behind(name);
    lines.phrase(text);
    lines.header(name, text.to_owned())
}

/// A header that is a name and its address.
pub(crate) fn mailbox(name: &'static str, shown: &str, address: &str) -> HeaderValue {
    let mut lines = Lines::behind(name);
    lines.phrase(shown);
    lines.piece(&format!("<{address}>"));
    lines.header(name, format!("{shown} <{address}>"))
}

/// A header's value in the making.
struct Lines {
    value: String,
    /// Octets on the present line, the header's name included.
    used: usize,
}

impl Lines {
    fn behind(name: &str) -> Self {
        Self {
            value: String::new(),
            used: name.len() + ": ".len(),
        }
    }

    /// A text in as many words as it takes: as it is where it reads the same in every place and fits on the line.
    fn phrase(&mut self, text: &str) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let spaced = text.trim() != text || text.contains("  ");
        if text.chars().all(plain) && !spaced && self.used + text.len() <= LINE {
            self.value.push_str(text);
            self.used += text.len();
            return;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let mut room = self.room();
            if room < rest.chars().next().map_or(0, char::len_utf8) {
                self.fold();
                room = self.room();
            }
            let (word, after) = rest.split_at(rest.floor_char_boundary(room));
            self.piece(&format!("{OPEN}{}{CLOSE}", STANDARD.encode(word)));
            rest = after;
        }
    }

    /// How many octets of text a word on this line may hold.
    fn room(&self) -> usize {
        let blank = usize::from(!self.value.is_empty() && !self.value.ends_with(' '));
        LINE.saturating_sub(self.used + blank + OPEN.len() + CLOSE.len()) / 4 * 3
    }

    /// Something that stays together, apart from what stands before it: on this line, or on the next.
    fn piece(&mut self, piece: &str) {
        if !self.value.is_empty() && !self.value.ends_with(' ') {
            if self.used + 1 + piece.len() > LINE {
                self.fold();
            } else {
                self.value.push(' ');
                self.used += 1;
            }
        }
        self.value.push_str(piece);
        self.used += piece.len();
    }

    fn fold(&mut self) {
        self.value.push_str("\r\n ");
        self.used = 1;
    }

    fn header(self, name: &'static str, raw: String) -> HeaderValue {
        HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), raw, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lettre::message::header::Headers;
    use proptest::prelude::*;

    fn written(header: HeaderValue) -> String {
        let mut headers = Headers::new();
        headers.insert_raw(header);
        headers.to_string()
    }

    /// What a reader's program makes of a header: unfolded, the blanks between two encoded words gone (RFC 2047, 6.2).
    fn read(header: &str) -> String {
        let unfolded = header.trim_end().replace("\r\n", "");
        let (_, value) = unfolded.split_once(": ").unwrap();
        let (mut text, mut encoded_before) = (String::new(), false);
        for piece in value.split(' ') {
            let word = piece.strip_prefix(OPEN).and_then(|word| word.strip_suffix(CLOSE));
            if !(text.is_empty() || encoded_before && word.is_some()) {
                text.push(' ');
            }
            match word {
                Some(word) => text.push_str(&String::from_utf8(STANDARD.decode(word).unwrap()).unwrap()),
                None => text.push_str(piece),
            }
            encoded_before = word.is_some();
        }
        text
    }

    fn keeps_to_the_rule(header: &str) {
        assert!(header.is_ascii() && header.ends_with("\r\n"), "{header}");
        for line in header.trim_end().split("\r\n") {
            if line.contains(OPEN) {
                assert!(line.len() <= LINE, "{} octets: {line}", line.len());
            }
            for word in line.split(' ').filter(|word| word.starts_with(OPEN)) {
                assert!(word.len() <= 75, "{} octets: {word}", word.len());
            }
        }
    }

    proptest! {
        #[test]
        fn a_name_of_any_length_and_its_address_read_back_from_lines_that_are_short_enough(
            name in "([ぁ-んァ-ヶ一-龠𠮷😀 a-z=?_\"<>,。（）-]){1,60}", local in "[a-z]{1,64}", domain in "[a-z]{1,60}",
        ) {
            let address = format!("{local}@{domain}.example");
            let header = written(mailbox("From", &name, &address));
            keeps_to_the_rule(&header);
            prop_assert_eq!(read(&header), format!("{name} <{address}>"));
        }

        #[test]
        fn a_subject_of_any_length_reads_back(subject in "[\\PC]{1,120}") {
            let header = written(text("Subject", &subject));
            keeps_to_the_rule(&header);
            prop_assert_eq!(read(&header), subject);
        }
    }

    #[test]
    fn what_every_program_reads_stays_as_it_is_and_what_looks_encoded_does_not() {
        assert_eq!(
            written(mailbox("From", "Kenpo 2026", "a@b.example")),
            "From: Kenpo 2026 <a@b.example>\r\n"
        );
        assert_eq!(written(text("Subject", "Test")), "Subject: Test\r\n");
        let looks = "=?utf-8?b?5YGl5L+d?=";
        assert_eq!(read(&written(text("Subject", looks))), looks);
    }
}
