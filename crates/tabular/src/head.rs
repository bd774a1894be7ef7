//! The beginning of a table as it stands there, before anybody says what its columns mean.

use crate::{Column, Encoding, Fault, Mapping, Rules, Table};
use std::io::{self, Read};

/// Bytes of a file that are looked at: more than the largest book has.
const MOST_BYTES: u64 = 32 << 20;
/// Characters of a cell that are shown: enough to know it by.
const SHOWN: usize = 40;

/// How a file is encoded, its header's fields and its first rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How it is encoded.
    pub encoding: Encoding,
    /// The header's fields, whole: by them the columns are chosen.
    pub fields: Vec<String>,
    /// The first rows, each cell cut to what is shown.
    pub rows: Vec<Vec<String>>,
}

/// A kind of table of which nothing is known.
#[derive(Clone, Copy)]
enum Nothing {}

impl Column for Nothing {
    const ALL: &'static [Self] = &[];

    fn name(self) -> &'static str {
        match self {}
    }

    fn names(self) -> &'static [&'static str] {
        match self {}
    }

    fn is_required(self) -> bool {
        match self {}
    }

    fn is_code(self) -> bool {
        match self {}
    }

    fn index(self) -> usize {
        match self {}
    }
}

impl Head {
    /// Reads no further than the last row that is wanted, nor than [`MOST_BYTES`], whatever there is of blank rows. A file that is
    /// no table says what it is instead.
    pub fn read(file: impl Read, rows: usize) -> io::Result<Result<Self, Fault>> {
        let rules = Rules {
            max_rows: u64::MAX,
            rows_of: "",
            blanks_behind: true,
        };
        let mut table = Table::<Nothing, Fault, _>::begin(file.take(MOST_BYTES), Mapping::default(), rules)?;
        if let Some(error) = table.errors.kept().first() {
            return Ok(Err(error.reason.clone()));
        }
        let Some((encoding, fields)) = table.decoded() else {
            return Ok(Err(Fault::UnknownEncoding));
        };
        table.encoding = encoding;
        let mut head = Self {
            encoding,
            fields: fields.iter().map(|field| printable(field).collect()).collect(),
            rows: Vec::new(),
        };
        while head.rows.len() < rows && table.next_record()?.is_some() {
            let cells = table.record.iter().take(head.fields.len());
            let cell = |bytes| {
                table
                    .encoding
                    .decode(bytes)
                    .map_or_else(|| "？".to_owned(), |text| shown(&text))
            };
            head.rows.push(cells.map(cell).collect());
        }
        head.encoding = table.encoding;
        Ok(Ok(head))
    }
}

fn shown(text: &str) -> String {
    printable(text).take(SHOWN).collect()
}

fn printable(text: &str) -> impl Iterator<Item = char> {
    text.trim().chars().filter(|c| !c.is_control() && *c != '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_of_unknown_names_is_read_in_its_encoding_with_the_first_rows() {
        let text = "きごう,ばんごう\r\n1,髙田\r\n\r\n2,\r\n3,x\r\n";
        let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode(text);
        for (bytes, encoding) in [(text.as_bytes(), Encoding::Utf8), (&cp932, Encoding::Cp932)] {
            let head = Head::read(bytes, 2).unwrap().unwrap();
            assert_eq!(head.encoding, encoding);
            assert_eq!(head.fields, ["きごう", "ばんごう"]);
            assert_eq!(head.rows, [["1", "髙田"], ["2", ""]]);
        }
    }

    #[test]
    fn a_long_header_is_kept_whole_and_a_long_cell_is_cut() {
        let long = "あ".repeat(60);
        let head = Head::read(format!("{long},b\n{long},2\n").as_bytes(), 5)
            .unwrap()
            .unwrap();
        assert_eq!(head.fields, [long.as_str(), "b"]);
        assert_eq!(head.rows, [["あ".repeat(SHOWN), "2".to_owned()]]);
    }

    #[test]
    fn what_is_no_table_says_what_it_is() {
        assert_eq!(Head::read(&b""[..], 5).unwrap(), Err(Fault::EmptyFile));
        assert!(matches!(
            Head::read(&b"%PDF-1.7"[..], 5).unwrap(),
            Err(Fault::NotCsv(_))
        ));
        assert_eq!(Head::read(&b"\xFF\xFE1\0"[..], 5).unwrap(), Err(Fault::UnknownEncoding));
    }

    #[test]
    fn the_look_at_blank_rows_without_end_has_one() {
        assert!(Head::read(io::repeat(b'\n'), 5).unwrap().is_err());
        let begun = io::Read::chain(&b"a,b\n1,2\n"[..], io::repeat(b'\n'));
        assert_eq!(Head::read(begun, 5).unwrap().unwrap().rows, [["1", "2"]]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Head::read(bytes.as_slice(), 5).unwrap();
        }
    }
}
