//! UTF-8 or CP932, told apart by the header, whose column names are Japanese in either. Nothing is replaced or
//! normalised: what does not decode is an error of its field, and 外字 (CP932's user-defined area) keep their code.

use csv::ByteRecord;
use encoding_rs::SHIFT_JIS;
use std::borrow::Cow;

/// How a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 behind a byte order mark, as spreadsheets write it.
    Utf8Bom,
    /// CP932, Windows' Shift JIS.
    Cp932,
}

impl Encoding {
    /// The name shown and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 BOM",
            Self::Cp932 => "CP932",
        }
    }

    /// The first encoding that a record's fields are text in, and that text, in a file that begins with these bytes.
    pub(crate) fn of(head: [u8; 3], record: &ByteRecord) -> Option<(Self, Vec<String>)> {
        let candidates: &[Self] = match head {
            [0xEF, 0xBB, 0xBF] => &[Self::Utf8Bom],
            _ => &[Self::Utf8, Self::Cp932],
        };
        candidates.iter().find_map(|encoding| {
            let fields = record.iter().map(|field| encoding.decode(field).map(Cow::into_owned));
            let fields: Option<Vec<String>> = fields.map(|field| field.filter(|text| !text.contains('\0'))).collect();
            Some((*encoding, fields?))
        })
    }

    /// The field's text, or `None` where its bytes are none in this encoding. CP932 is what the web calls `Shift_JIS`:
    /// its table has the NEC and IBM extensions, and 0xF040–0xF9FC as U+E000–U+E757.
    pub(crate) fn decode(self, field: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 | Self::Utf8Bom => std::str::from_utf8(field).ok().map(Cow::Borrowed),
            Self::Cp932 => SHIFT_JIS.decode_without_bom_handling_and_without_replacement(field),
        }
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaiji_of_cp932_keep_their_code() {
        assert_eq!(Encoding::Cp932.decode(&[0xF0, 0x40]).unwrap(), "\u{E000}");
        assert_eq!(Encoding::Cp932.decode(&[0xFB, 0xFC, 0xED, 0x95]).unwrap(), "髙﨑");
    }

    #[test]
    fn bytes_outside_the_encoding_are_not_replaced() {
        assert_eq!(Encoding::Cp932.decode(&[0x83]), None);
        assert_eq!(Encoding::Cp932.decode(&[0xFF]), None);
        assert_eq!(Encoding::Utf8.decode(&[0x83, 0x40]), None);
    }
}
