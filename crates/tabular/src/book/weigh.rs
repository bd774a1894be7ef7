//! What a book unpacks to, counted before any of it is held. Books are packed, and a small one may hold anything: one cell of
//! gigabytes, millions of styles, room asked for texts that never come.
//!
//! Each part is gone through once, by the parser that the library goes through it with, and only the parts that were are handed
//! on. What the library holds of them is reckoned by their elements, not by what the book says of itself.

use super::SHEET_ROWS;
use crate::Fault;
use quick_xml::{
    Error, Reader,
    events::{BytesStart, Event},
};
use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use zip::{ZipArchive, ZipWriter, result::ZipError};

/// All that it may unpack to.
const MOST_UNPACKED: u64 = 256 << 20;
/// What of that the library may hold at the same time.
const MOST_HELD: u64 = 80 << 20;
/// A tag, or a cell, a text or a name with all that stands in it: it is held as a whole. Excel takes 32,767 characters in a
/// cell, each of which may be written as a reference of eight.
const MOST_AT_ONCE: u64 = 512 << 10;
/// Parts, of each of which the name is held.
const MOST_PARTS: usize = 10_000;
/// How an entry of a ZIP's directory begins.
const ENTRY: &[u8] = b"PK\x01\x02";
/// Digits of the number of texts that a book says it has: room for them is made at once.
const MOST_DIGITS: usize = 7;
/// What a text is held with.
const TEXT: u64 = 64;
/// What a character written as a reference is at most.
const CHARACTER: u64 = 4;
/// What a style, a sheet or a relation is, beside the texts in it.
const THING: u64 = 512;

/// A book that may be read.
pub(super) struct Weighed {
    /// The parts that the library reads, packed.
    pub(super) packed: Vec<u8>,
    /// The first cells that are merged.
    pub(super) merged: Option<String>,
}

/// Goes through all of it once and keeps nothing.
pub(super) fn weigh(packed: Vec<u8>) -> Result<Weighed, Fault> {
    if packed.windows(ENTRY.len()).filter(|bytes| *bytes == ENTRY).count() > MOST_PARTS {
        return Err(Fault::BookTooLarge);
    }
    let broken = |_: ZipError| Fault::BrokenBook;
    let mut to = ZipWriter::new(Cursor::new(Vec::with_capacity(packed.len())));
    let mut from = ZipArchive::new(Cursor::new(packed)).map_err(broken)?;
    let mut scale = Scale::default();
    for nth in 0..from.len() {
        let part = from.by_index(nth).map_err(broken)?;
        let kind = Kind::of(&part.name().map_err(broken)?);
        scale.weigh(part, kind)?;
        if kind != Kind::Unread {
            to.raw_copy_file(from.by_index_raw(nth).map_err(broken)?)
                .map_err(broken)?;
        }
    }
    Ok(Weighed {
        packed: to.finish().map_err(broken)?.into_inner(),
        merged: scale.merged,
    })
}

/// What a part is, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A sheet, read cell by cell.
    Sheet,
    /// What is read before a sheet is, and held: texts, styles, which sheets there are.
    Held,
    /// Pictures, comments, colours, what other programs keep in books.
    Unread,
}

impl Kind {
    fn of(name: &str) -> Self {
        let name = name.replace('\\', "/").to_ascii_lowercase();
        let (folder, file) = name.trim_start_matches('/').rsplit_once('/').unwrap_or(("", &name));
        let folders: Vec<&str> = folder.split('/').collect();
        let is_xml = matches!(file.rsplit_once('.'), Some((_, "xml" | "rels")));
        match folders.as_slice() {
            _ if !is_xml || file == "[content_types].xml" => Self::Unread,
            ["docprops" | "customxml" | "theme"] => Self::Unread,
            [.., "worksheets"] if !matches!(file, "sharedstrings.xml" | "styles.xml") => Self::Sheet,
            [_] | [_, "_rels" | "worksheets"] => Self::Held,
            _ => Self::Unread,
        }
    }
}

#[derive(Default)]
struct Scale {
    unpacked: u64,
    held: u64,
    /// Of sheets; those without a cell cost as much to go through, and no sheet has more than so many.
    rows: u32,
    merged: Option<String>,
}

impl Scale {
    fn weigh(&mut self, part: impl Read, kind: Kind) -> Result<(), Fault> {
        let mut part = Counted {
            part,
            unpacked: self.unpacked,
            at_once: 0,
            most_at_once: if kind == Kind::Unread { u64::MAX } else { MOST_AT_ONCE },
        };
        if kind == Kind::Unread {
            io::copy(&mut part, &mut io::sink()).map_err(|error| fault(&error))?;
            self.unpacked = part.unpacked;
            return Ok(());
        }
        // Names of ends are looked at: what is in a cell ends with it.
        let mut xml = Reader::from_reader(BufReader::new(part));
        xml.config_mut().expand_empty_elements = true;
        let mut buffer = Vec::new();
        // Elements that are open within a cell, a text or a name, itself among them: the library gathers what is in it.
        let mut open = 0_usize;
        let mut text = Text::default();
        // The longest tag behind the first, which is long for what it declares.
        let mut longest = None;
        loop {
            if open == 0 {
                xml.get_mut().get_mut().at_once = 0;
            }
            buffer.clear();
            let event = xml.read_event_into(&mut buffer).map_err(|error| match error {
                Error::Io(error) => fault(&error),
                _ => Fault::BrokenBook,
            })?;
            match event {
                Event::Start(tag) => {
                    let name = tag.local_name();
                    if open > 0 || matches!(name.as_ref(), "c" | "si" | "definedName") {
                        open += 1;
                    }
                    text.begin(name.as_ref(), open);
                    longest = Some(longest.map_or(0, |longest: u64| longest.max(length(&tag))));
                    self.element(&tag, kind, longest.unwrap_or_default())?;
                }
                Event::End(tag) => {
                    open = open.saturating_sub(1);
                    text.end(tag.local_name().as_ref());
                }
                Event::Text(piece) if kind == Kind::Held => self.held += text.take(length(&piece)),
                Event::CData(piece) if kind == Kind::Held => self.held += text.take(length(&piece)),
                Event::GeneralRef(_) if kind == Kind::Held => self.held += text.take(CHARACTER),
                // No book has one.
                Event::DocType(_) => return Err(Fault::BrokenBook),
                Event::Eof => break,
                _ => {}
            }
            if self.held > MOST_HELD {
                return Err(Fault::BookTooLarge);
            }
        }
        self.unpacked = xml.get_mut().get_mut().unpacked;
        Ok(())
    }

    /// What the library makes of an element. Each style has the names of its font and its format once more.
    fn element(&mut self, tag: &BytesStart<'_>, kind: Kind, longest: u64) -> Result<(), Fault> {
        match (tag.local_name().as_ref(), kind) {
            ("mergeCell", Kind::Sheet) if self.merged.is_none() => {
                let of = tag.try_get_attribute("ref").map_err(|_| Fault::BrokenBook)?;
                let is_place = |c: &char| c.is_ascii_alphanumeric() || *c == ':';
                self.merged = of.map(|of| of.value.chars().filter(is_place).take(20).collect());
            }
            ("row", Kind::Sheet) => {
                self.rows += 1;
                if self.rows > SHEET_ROWS {
                    return Err(Fault::BookTooLarge);
                }
            }
            // No sheet has any; the library would hold them all.
            ("sheet" | "definedName" | "si", Kind::Sheet) => return Err(Fault::BrokenBook),
            (_, Kind::Sheet) => {}
            ("sst", _)
                if tag
                    .split(|c: char| !c.is_ascii_digit())
                    .any(|digits| digits.len() > MOST_DIGITS) =>
            {
                return Err(Fault::BookTooLarge);
            }
            ("si", _) => self.held += TEXT,
            ("xf" | "font" | "fill" | "border" | "numFmt" | "sheet" | "definedName" | "Relationship", _) => {
                self.held += THING + 2 * longest;
            }
            _ => {}
        }
        Ok(())
    }
}

/// A text as the library puts it together. Of runs it is held with room for as much again; the kana that Excel keeps over
/// kanji are passed over.
#[derive(Default)]
struct Text {
    runs: u64,
    bytes: u64,
    held: u64,
    is_phonetic: bool,
}

impl Text {
    /// Phonetics are only what stands right in a text: within anything else, the library may read it.
    fn begin(&mut self, name: &str, open: usize) {
        match name {
            "si" => *self = Self::default(),
            "rPh" if open == 2 => self.is_phonetic = true,
            "t" => self.runs += 1,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if name == "rPh" {
            self.is_phonetic = false;
        }
    }

    /// What is held more once it has this piece, too.
    fn take(&mut self, bytes: u64) -> u64 {
        if self.is_phonetic {
            return 0;
        }
        self.bytes += bytes;
        let before = std::mem::replace(&mut self.held, self.bytes * self.runs.clamp(1, 2));
        self.held - before
    }
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        ErrorKind::FileTooLarge => Fault::BookTooLarge,
        _ => Fault::BrokenBook,
    }
}

/// A part that ends with an error where it is too much.
struct Counted<R> {
    part: R,
    /// Of the whole book.
    unpacked: u64,
    /// Since what is held as a whole began.
    at_once: u64,
    most_at_once: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.part.read(buffer)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.unpacked += bytes;
        self.at_once += bytes;
        if self.unpacked > MOST_UNPACKED || self.at_once > self.most_at_once {
            return Err(ErrorKind::FileTooLarge.into());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_has_no_more_rows_than_excel_gives_it_with_or_without_cells() {
        let weighed = |rows: usize| {
            let sheet = format!("<sheetData>{}</sheetData>", "<row/>".repeat(rows));
            Scale::default().weigh(sheet.as_bytes(), Kind::Sheet)
        };
        let most = usize::try_from(SHEET_ROWS).unwrap();
        assert_eq!(weighed(most), Ok(()));
        assert_eq!(weighed(most + 1), Err(Fault::BookTooLarge));
    }

    #[test]
    fn a_part_is_what_its_place_says_and_nothing_else_is_handed_on() {
        for (name, kind) in [
            ("_rels/.rels", Kind::Held),
            ("xl/workbook.xml", Kind::Held),
            ("xl\\SharedStrings.XML", Kind::Held),
            ("/xl/_rels/workbook.xml.rels", Kind::Held),
            ("xl/worksheets/sheet1.xml", Kind::Sheet),
            ("worksheets/data.xml", Kind::Sheet),
            ("xl/worksheets/styles.xml", Kind::Held),
            ("xl/worksheets/_rels/sheet1.xml.rels", Kind::Unread),
            ("xl/workbook.bin", Kind::Unread),
            ("xl/drawings/drawing1.xml", Kind::Unread),
            ("customXml/item1.xml", Kind::Unread),
            ("xl/theme/theme1.xml", Kind::Unread),
            ("theme/theme1.xml", Kind::Unread),
            ("[Content_Types].xml", Kind::Unread),
            ("", Kind::Unread),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }
}
