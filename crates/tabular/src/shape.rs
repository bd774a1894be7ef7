//! What kind of file it is, told by its beginning before a row is read: what separates its fields, what ends its lines, or
//! that it is no text at all. Excel, its neighbours and old machines all call different things a CSV.

use crate::Fault;
use std::io::{self, Read};

/// Bytes looked at: far more than a header.
const HEAD: u64 = 1 << 16;
/// What ends a text file of old (Ctrl+Z); some programs still write it.
pub(crate) const END_MARK: u8 = 0x1A;

/// How a text file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Between fields: a comma, a tab or a semicolon.
    pub(crate) delimiter: u8,
    /// True where carriage returns alone end lines.
    pub(crate) ends_in_cr: bool,
}

/// The beginning of a file.
pub(crate) fn head(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

impl Shape {
    /// Commas and line feeds.
    pub(crate) const USUAL: Self = Self {
        delimiter: b',',
        ends_in_cr: false,
    };

    /// The shape of the file that begins so.
    pub(crate) fn of(head: &[u8]) -> Result<Self, Fault> {
        let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
        let Some(start) = text.iter().position(|byte| !is_blank(*byte)) else {
            return Err(Fault::EmptyFile);
        };
        let text = text.get(start..).unwrap_or_default();
        if let Some(kind) = other_kind(text) {
            return Err(Fault::NotCsv(kind));
        }
        let mut is_quoted = false;
        let mut counts = [(b',', 0), (b'\t', 0), (b';', 0)];
        let mut end = None;
        for (nth, byte) in text.iter().enumerate() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                _ if is_quoted => {}
                b'\r' | b'\n' => {
                    end = Some(nth);
                    break;
                }
                byte => {
                    for (delimiter, count) in &mut counts {
                        *count += usize::from(byte == delimiter);
                    }
                }
            }
        }
        // Of equal counts the last is taken: a comma before the others.
        let most = counts.iter().rev().max_by_key(|(_, count)| *count);
        let line_end = end.and_then(|end| text.get(end..)).unwrap_or_default();
        Ok(Self {
            delimiter: most.map_or(b',', |(delimiter, _)| *delimiter),
            ends_in_cr: line_end.starts_with(b"\r") && !line_end.starts_with(b"\r\n"),
        })
    }
}

/// Nothing of a row: white space, or the mark at the end of old text files.
pub(crate) fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == END_MARK
}

/// What a file is that is none of ours, by the bytes that such files begin with.
fn other_kind(text: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 5] = [
        (b"PK\x03\x04", "Excelのブック（.xlsx）か、ZIPで圧縮したファイル"),
        (
            b"\xD0\xCF\x11\xE0",
            "Excelのブック（.xls）か、パスワードの付いたファイル",
        ),
        (b"%PDF-", "PDF"),
        (b"{\\rtf", "文書ファイル（RTF）"),
        (
            b"<",
            "HTMLやXMLのファイル（拡張子が.xlsや.csvでも、中身が違うことがあります）",
        ),
    ];
    KINDS
        .iter()
        .find(|(begin, _)| text.starts_with(begin))
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(head: &[u8]) -> Option<(char, bool)> {
        let shape = Shape::of(head).ok()?;
        Some((char::from(shape.delimiter), shape.ends_in_cr))
    }

    #[test]
    fn delimiters_and_line_ends_are_told_by_the_first_line_that_says_something() {
        for (head, expected) in [
            ("記号,番号\r\n1;2;3;4,5\r\n", (',', false)),
            ("記号\t番号\n", ('\t', false)),
            ("記号;番号\r\n", (';', false)),
            ("\u{FEFF}記号;番号;枝番,\r", (';', true)),
            ("記号,番号\r1,2\r", (',', true)),
            ("\r\r\"記号,,,\r\n\";番号\r", (';', true)),
            ("記号", (',', false)),
            ("記号,番号;枝番", (',', false)),
        ] {
            assert_eq!(shape(head.as_bytes()), Some(expected), "{head:?}");
        }
    }

    #[test]
    fn files_that_hold_no_text_are_called_what_they_are() {
        for empty in [b"".as_slice(), b" \r\n\r\n", b"\x1A", b"\xEF\xBB\xBF\r\n\x1A"] {
            assert_eq!(Shape::of(empty), Err(Fault::EmptyFile), "{empty:?}");
        }
        for (head, kind) in [
            (b"PK\x03\x04\x14\0".as_slice(), "xlsx"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", ".xls"),
            (b"%PDF-1.7", "PDF"),
            (b"\xEF\xBB\xBF<html><table>", "HTML"),
            (b"<?xml version=\"1.0\"?>", "XML"),
        ] {
            let Err(reason) = Shape::of(head) else {
                panic!("{head:?}")
            };
            assert!(reason.to_string().contains(kind), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn no_beginning_panics(head in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Shape::of(&head);
        }
    }
}
