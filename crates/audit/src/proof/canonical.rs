//! The canonical text of a line and of a seal, of which the SHA-256 is taken. It is simple on purpose, so that others can
//! check the proof without this program: `security.md` of the handbook says it in words.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// A SHA-256.
pub(super) type Digest = [u8; 32];

/// A text under way: each part is a line, its length in bytes before it, so that no two rows have one text.
pub(super) struct Canonical(Sha256);

impl Canonical {
    /// Begins with what kind of thing it is.
    pub(super) fn of(kind: &str) -> Self {
        let mut text = Self(Sha256::new());
        text.part(kind);
        text
    }

    pub(super) fn part(&mut self, part: &str) {
        self.0.update(part.len().to_string());
        self.0.update(b":");
        self.0.update(part);
        self.0.update(b"\n");
    }

    /// A column that may be NULL, which is told from every text.
    pub(super) fn column(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.part(value),
            None => self.0.update(b"-\n"),
        }
    }

    pub(super) fn digest(self) -> Digest {
        self.0.finalize().into()
    }
}

/// The SHA-256 of bytes, in hexadecimals.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes).into())
}

pub(super) fn hex(digest: &Digest) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(columns: &[Option<&str>]) -> Digest {
        let mut text = Canonical::of("line");
        for column in columns {
            text.column(*column);
        }
        text.digest()
    }

    #[test]
    fn no_two_rows_have_one_text() {
        let rows: [&[Option<&str>]; 6] = [
            &[Some("a"), Some("b")],
            &[Some("a\n1:b")],
            &[Some("ab")],
            &[Some("a"), None],
            &[Some("a"), Some("-")],
            &[Some("a"), Some("")],
        ];
        for (at, row) in rows.iter().enumerate() {
            for other in &rows[at + 1..] {
                assert_ne!(text(row), text(other), "{row:?} {other:?}");
            }
        }
    }

    #[test]
    fn it_is_the_plain_sha_256_of_what_the_handbook_says() {
        assert_eq!(hex(&text(&[Some("あ"), None])), hash("4:line\n3:あ\n-\n".as_bytes()));
    }
}
