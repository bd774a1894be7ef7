//! Files that leave: CSV that no spreadsheet takes for formulas, in UTF-8 with a byte order mark or in CP932. What CP932 has
//! no character for is written as 〓, and can be told.

use encoding_rs::SHIFT_JIS;
use kernel::text;

/// What stands for a character that an encoding lacks, as printers have always set it.
const GETA: char = '〓';
/// What a spreadsheet takes for the beginning of a formula: the wide ones, too, in Japan, and the minus that CP932 writes
/// as one of them.
const FORMULA: [char; 9] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '−'];
/// What one passes over, or ends a line with, before it looks for that.
const BEFORE: [char; 3] = ['\t', '\r', '\n'];
/// CP932's user-defined area, as Unicode has it: 188 characters for each of its leading bytes from 0xF0.
const GAIJI: std::ops::RangeInclusive<u32> = 0xE000..=0xE757;

/// How a file that leaves is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// UTF-8 behind a byte order mark.
    Utf8,
    /// Windows' Shift JIS.
    Cp932,
}

impl Written {
    /// The word in forms and in the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Cp932 => "cp932",
        }
    }

    /// What it is called on pages.
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Cp932 => "Shift_JIS（CP932）",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn read(word: &str) -> Option<Self> {
        [Self::Utf8, Self::Cp932]
            .into_iter()
            .find(|encoding| encoding.as_str() == word)
    }

    /// As a media type names it.
    pub fn charset(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Cp932 => "windows-31j",
        }
    }

    /// What a file begins with.
    pub fn beginning(self) -> &'static [u8] {
        match self {
            Self::Utf8 => b"\xEF\xBB\xBF",
            Self::Cp932 => b"",
        }
    }

    /// One line of a file, ended.
    pub fn line(self, cells: &[&str]) -> Vec<u8> {
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        let line = cells.join(",") + "\r\n";
        match self {
            Self::Utf8 => line.into_bytes(),
            Self::Cp932 => crate::cp932(&line),
        }
    }

    /// The characters of a text that the encoding lacks.
    pub fn lacks(self, text: &str) -> Vec<char> {
        match self {
            Self::Utf8 => Vec::new(),
            Self::Cp932 => text.chars().filter(|c| cp932(*c).is_none()).collect(),
        }
    }
}

/// A cell in quotation marks; what looks like a formula behind an apostrophe, which says that it is text.
fn quoted(cell: &str) -> String {
    let text = if is_formula(cell) { "'" } else { "" };
    format!("\"{text}{}\"", cell.replace('"', "\"\""))
}

/// Blanks and what nobody sees before it are no shelter.
fn is_formula(cell: &str) -> bool {
    let first = text::visible(cell).find(|c| !c.is_whitespace());
    cell.starts_with(BEFORE) || first.is_some_and(|c| FORMULA.contains(&c))
}

pub(crate) fn geta() -> Vec<u8> {
    cp932(GETA).unwrap_or_default()
}

pub(crate) fn cp932(c: char) -> Option<Vec<u8>> {
    if GAIJI.contains(&u32::from(c)) {
        let at = u32::from(c) - GAIJI.start();
        let (lead, trail) = (0xF0 + at / 188, at % 188);
        let trail = trail + if trail < 63 { 0x40 } else { 0x41 };
        return [lead, trail].into_iter().map(|byte| u8::try_from(byte).ok()).collect();
    }
    // The same signs, as other systems' tables have them.
    let c = match c {
        '\u{2014}' => '\u{2015}',
        '\u{2016}' => '\u{2225}',
        '\u{301C}' => '\u{FF5E}',
        c => c,
    };
    let mut text = [0; 4];
    let (bytes, _, lacks) = SHIFT_JIS.encode(c.encode_utf8(&mut text));
    (!lacks).then(|| bytes.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_formula_is_text_in_every_cell() {
        let line = Written::Utf8.line(&["=1+1", "＋81", "-2", "@x", "\tx", "a=b", "\"=\"", ""]);
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "\"'=1+1\",\"'＋81\",\"'-2\",\"'@x\",\"'\tx\",\"a=b\",\"\"\"=\"\"\",\"\"\r\n"
        );
    }

    #[test]
    fn nothing_before_a_formula_and_no_other_minus_hides_it() {
        for cell in [
            " =1+1",
            "\u{3000}＝1",
            "\u{200B}=1",
            "\u{FEFF}@x",
            "\n=1",
            "−2",
            "\u{202E}=1",
        ] {
            let line = String::from_utf8(Written::Utf8.line(&[cell])).unwrap();
            assert!(line.starts_with("\"'"), "{line:?}");
        }
        for cell in ["ー", "12-3", "東京都 =", "―"] {
            let line = String::from_utf8(Written::Utf8.line(&[cell])).unwrap();
            assert_eq!(line, format!("\"{cell}\"\r\n"));
        }
    }

    #[test]
    fn variants_that_windows_has_are_kept_and_others_are_told() {
        assert_eq!(Written::Cp932.line(&["髙﨑"]), b"\"\xFB\xFC\xFA\xB1\"\r\n");
        assert_eq!(Written::Cp932.line(&["𠮷"]), b"\"\x81\xAC\"\r\n");
        assert_eq!(Written::Cp932.lacks("髙﨑𠮷野"), ['𠮷']);
        assert!(Written::Utf8.lacks("𠮷").is_empty());
    }

    #[test]
    fn gaiji_go_out_as_they_came_in() {
        for code in GAIJI {
            let gaiji = char::from_u32(code).unwrap().to_string();
            let line = Written::Cp932.line(&[&gaiji]);
            let read = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(&line);
            assert_eq!(read.unwrap(), format!("\"{gaiji}\"\r\n"));
        }
    }

    proptest! {
        #[test]
        fn a_line_is_read_as_it_was_written_and_never_as_a_formula(cells in prop::collection::vec("\\PC*", 1..4)) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let line = Written::Utf8.line(&cells);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_slice());
            let read = reader.records().next().unwrap().unwrap();
            for (read, cell) in read.iter().zip(cells) {
                prop_assert!(!is_formula(read));
                prop_assert_eq!(read.strip_prefix('\'').filter(|_| is_formula(cell)).unwrap_or(read), cell);
            }
            let _ = Written::Cp932.line(&[read.get(0).unwrap_or_default()]);
        }
    }
}
