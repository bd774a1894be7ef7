//! Excel's books (.xlsx), handed on as the lines of a CSV: a row of the sheet is a line, so that faults name the sheet's own
//! rows and everything else is read as ever. What a sheet knows and a CSV does not, whether a cell holds a number or a day,
//! stands before its value as a mark.
//!
//! Books are packed, and a small one may hold anything: what it unpacks to is counted before any of it is kept. It is read on
//! a thread of its own, which ends the file where the library gives up, whatever a hostile file does to it.

use crate::Fault;
use calamine::{Cell, DataRef, ExcelDateTime, Reader as _, SheetType, Xlsx, XlsxError};
use sha2::{Digest as _, Sha256};
use std::{
    borrow::Cow,
    io::{self, Cursor, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
};
use zip::ZipArchive;

/// The longest book, packed.
const MOST_PACKED: u64 = 20 << 20;
/// All that it may unpack to.
const MOST_UNPACKED: u64 = 256 << 20;
/// What of that may be no sheet: texts and styles are held in memory.
const MOST_HELD: u64 = 64 << 20;
/// Texts that a book may say it has: room for them is made at once.
const MOST_TEXTS: u64 = 5_000_000;
/// Rows of a sheet, by Excel's own bound.
const SHEET_ROWS: u32 = 1 << 20;
/// Columns, likewise.
const SHEET_COLUMNS: u32 = 1 << 14;
/// A row this long is none of a table's.
const MOST_ROW: usize = 1 << 20;
/// Bytes that are handed on at once, and how often that may be done ahead.
const CHUNK: usize = 1 << 16;
const AHEAD: usize = 4;
/// Sheets that are named in the fault of a book with several.
const NAMED: usize = 5;

/// Rows of a book at most.
pub(crate) const MOST_ROWS: u64 = 100_000;

const NUMBER: char = '\u{1}';
const DAY: char = '\u{2}';
/// What stands for a control character of a cell, so that it is told as one and never taken for a mark.
const CONTROL: char = '\u{3}';

/// True for a file that begins as books do.
pub(crate) fn is_book(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

/// What stands in a cell of a book. A number is none of a code: it has lost its zeros at the front.
pub(crate) fn value(cell: &str, is_code: bool) -> Result<&str, Fault> {
    match (cell.strip_prefix(NUMBER), cell.strip_prefix(DAY)) {
        (Some(_), _) if is_code => Err(Fault::Number),
        (_, Some(_)) if is_code => Err(Fault::TurnedToDate),
        (Some(value), _) | (_, Some(value)) => Ok(value),
        (None, None) => Ok(cell),
    }
}

/// A cell without its mark.
pub(crate) fn shown(cell: &str) -> &str {
    cell.trim_start_matches([NUMBER, DAY])
}

/// A book with its hash, being read.
pub(crate) struct Book {
    pub(crate) lines: Lines,
    pub(crate) hash: [u8; 32],
    pub(crate) packed: u64,
}

/// Takes the whole book, and begins to read it. One that is too large is given back with what was taken of it.
pub(crate) fn open(head: Vec<u8>, file: &mut impl Read) -> io::Result<Result<Book, Vec<u8>>> {
    let mut packed = head;
    let taken = u64::try_from(packed.len()).unwrap_or(u64::MAX);
    file.take((MOST_PACKED + 1).saturating_sub(taken))
        .read_to_end(&mut packed)?;
    let bytes = u64::try_from(packed.len()).unwrap_or(u64::MAX);
    if bytes > MOST_PACKED {
        return Ok(Err(packed));
    }
    Ok(Ok(Book {
        hash: Sha256::digest(&packed).into(),
        packed: bytes,
        lines: Lines::of(packed)?,
    }))
}

/// A book's lines, as they come.
pub(crate) struct Lines {
    chunks: Receiver<Vec<u8>>,
    chunk: Cursor<Vec<u8>>,
    reading: Option<JoinHandle<Result<(), Fault>>>,
}

impl Lines {
    fn of(packed: Vec<u8>) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(AHEAD);
        let reading = Builder::new().name("book".into()).spawn(move || read(packed, sender))?;
        Ok(Self {
            chunks,
            chunk: Cursor::default(),
            reading: Some(reading),
        })
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if let Ok(chunk) = self.chunks.recv() {
                self.chunk = Cursor::new(chunk);
                continue;
            }
            let ended = self.reading.take().map_or(Ok(Ok(())), JoinHandle::join);
            return match ended {
                Ok(Ok(())) => Ok(0),
                Ok(Err(fault)) => Err(io::Error::other(fault)),
                // The library gave up.
                Err(_) => Err(io::Error::other(Fault::BrokenBook)),
            };
        }
    }
}

fn read(packed: Vec<u8>, to: SyncSender<Vec<u8>>) -> Result<(), Fault> {
    weigh(&packed)?;
    let broken = |_: XlsxError| Fault::BrokenBook;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(packed)).map_err(broken)?;
    let sheet = only_sheet(&book)?;
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(broken)?;
    let mut lines = Writer::new(to);
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        if !lines.put(&cell)? {
            return Ok(());
        }
    }
    lines.end();
    Ok(())
}

/// The name of the one sheet that there is: which of several is meant, nobody knows.
fn only_sheet<R: Read + io::Seek>(book: &Xlsx<R>) -> Result<String, Fault> {
    let sheets = book.sheets_metadata().iter();
    let names: Vec<&str> = sheets
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.as_str())
        .collect();
    match names.as_slice() {
        [] => Err(Fault::BrokenBook),
        [name] => Ok((*name).to_owned()),
        several => {
            let visible = |name: &&str| name.chars().filter(|c| !c.is_control()).take(31).collect::<String>();
            let names: Vec<String> = several
                .iter()
                .take(NAMED)
                .map(|name| format!("「{}」", visible(name)))
                .collect();
            let more = if several.len() > NAMED { "ほか" } else { "" };
            Err(Fault::ManySheets(names.concat() + more))
        }
    }
}

/// Unpacks all of it once and keeps nothing: what a book says of its own size may be made up.
fn weigh(packed: &[u8]) -> Result<(), Fault> {
    let mut archive = ZipArchive::new(Cursor::new(packed)).map_err(|_| Fault::BrokenBook)?;
    let (mut unpacked, mut held) = (0, 0);
    let mut buffer = vec![0; CHUNK];
    for nth in 0..archive.len() {
        let mut part = archive.by_index(nth).map_err(|_| Fault::BrokenBook)?;
        let mut kind = Kind::of(&part.name().map_err(|_| Fault::BrokenBook)?);
        loop {
            let count = part.read(&mut buffer).map_err(|_| Fault::BrokenBook)?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            unpacked += count;
            held += if matches!(kind, Kind::Sheet) { 0 } else { count };
            if unpacked > MOST_UNPACKED || held > MOST_HELD {
                return Err(Fault::BookTooLarge);
            }
            if let Kind::Xml(promise) = &mut kind {
                bytes.iter().try_for_each(|byte| promise.take(*byte))?;
            }
        }
    }
    Ok(())
}

/// What a part of a book is, as far as it is of interest here.
enum Kind {
    Sheet,
    Xml(Promise),
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        let name = name.replace('\\', "/").to_ascii_lowercase();
        let file = name.rsplit('/').next().unwrap_or_default();
        if name.contains("worksheets/") && file.starts_with("sheet") {
            Self::Sheet
        } else if matches!(file.rsplit('.').next(), Some("xml" | "rels")) {
            Self::Xml(Promise::default())
        } else {
            Self::Other
        }
    }
}

/// Watches for how many texts a part says it has, for whom the library makes room before it reads one.
#[derive(Default)]
struct Promise {
    /// How much of the attribute's name was just read.
    matched: usize,
    number: Option<u64>,
}

impl Promise {
    const NAME: &'static [u8] = b"uniqueCount";

    fn take(&mut self, byte: u8) -> Result<(), Fault> {
        // No character of XML; in UTF-8 there is none, and what is written otherwise is not looked at.
        if byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r') {
            return Err(Fault::BrokenBook);
        }
        if self.matched == Self::NAME.len() {
            match byte {
                b'0'..=b'9' => {
                    let number = self.number.unwrap_or_default();
                    let number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                    if number > MOST_TEXTS {
                        return Err(Fault::BookTooLarge);
                    }
                    self.number = Some(number);
                    return Ok(());
                }
                b'=' | b'"' | b'\'' | b' ' | b'\t' | b'\n' | b'\r' if self.number.is_none() => return Ok(()),
                _ => *self = Self::default(),
            }
        }
        self.matched = match Self::NAME.get(self.matched) {
            Some(expected) if *expected == byte => self.matched + 1,
            // A name begins behind white space, so nothing of it can have been passed over.
            _ => usize::from(Self::NAME.first() == Some(&byte)),
        };
        Ok(())
    }
}

/// Writes cells as lines.
struct Writer {
    to: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
    /// The row that is being written, from 0, and its next column.
    row: u32,
    column: u32,
    /// Where its line begins in the chunk.
    begin: usize,
    has_value: bool,
    /// Columns of the first row with a value: the header's.
    width: Option<u32>,
}

impl Writer {
    fn new(to: SyncSender<Vec<u8>>) -> Self {
        Self {
            to,
            chunk: Vec::with_capacity(CHUNK * 2),
            row: 0,
            column: 0,
            begin: 0,
            has_value: false,
            width: None,
        }
    }

    /// False once nobody wants any more.
    fn put(&mut self, cell: &Cell<DataRef<'_>>) -> Result<bool, Fault> {
        let (row, column) = cell.get_position();
        let is_next = row > self.row || (row == self.row && (column > self.column || !self.has_value));
        if !is_next || row >= SHEET_ROWS || column >= SHEET_COLUMNS {
            return Err(Fault::BrokenBook);
        }
        let Some((mark, text)) = value_of(cell.get_value()) else {
            return Ok(true);
        };
        while self.row < row {
            if !self.end_line() {
                return Ok(false);
            }
        }
        while self.column < column {
            self.chunk.push(b',');
            self.column += 1;
        }
        self.has_value = true;
        self.write(mark.filter(|_| self.width.is_some()), &text);
        if self.chunk.len() - self.begin > MOST_ROW {
            return Err(Fault::RowTooLong);
        }
        Ok(true)
    }

    /// A cell in quotation marks.
    fn write(&mut self, mark: Option<char>, text: &str) {
        let tame = |c: char| match c {
            // Within a cell there is no line: rows are told by lines.
            '\n' | '\r' => '\u{b}',
            NUMBER | DAY | '\0' => CONTROL,
            c => c,
        };
        let mut bytes = [0; 4];
        self.chunk.push(b'"');
        for c in mark.into_iter().chain(text.chars().take(MOST_ROW).map(tame)) {
            if c == '"' {
                self.chunk.push(b'"');
            }
            self.chunk.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes());
        }
        self.chunk.push(b'"');
    }

    /// Blank cells at the end of a row are left out by some programs.
    fn end_line(&mut self) -> bool {
        if self.has_value {
            let width = *self.width.get_or_insert(self.column + 1);
            while self.column + 1 < width {
                self.chunk.push(b',');
                self.column += 1;
            }
        }
        self.chunk.push(b'\n');
        (self.row, self.column, self.has_value) = (self.row + 1, 0, false);
        if self.chunk.len() >= CHUNK {
            let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK * 2));
            self.begin = 0;
            return self.to.send(chunk).is_ok();
        }
        self.begin = self.chunk.len();
        true
    }

    fn end(mut self) {
        self.end_line();
        // Whoever wants no more has gone.
        let _ = self.to.send(self.chunk);
    }
}

/// What a cell holds, with its mark; nothing of an empty one.
fn value_of<'a>(value: &'a DataRef<'_>) -> Option<(Option<char>, Cow<'a, str>)> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::String(text) => (None, text.into()),
        DataRef::SharedString(text) => (None, (*text).into()),
        DataRef::Int(number) => (Some(NUMBER), number.to_string().into()),
        DataRef::Float(number) => (Some(NUMBER), number.to_string().into()),
        DataRef::Bool(is_true) => (Some(NUMBER), if *is_true { "TRUE" } else { "FALSE" }.into()),
        DataRef::DateTime(at) => moment(*at),
        DataRef::DateTimeIso(text) => (Some(DAY), text.strip_suffix("T00:00:00").unwrap_or(text).into()),
        DataRef::DurationIso(text) => (Some(NUMBER), text.into()),
        DataRef::Error(error) => (None, error.to_string().into()),
    })
    .filter(|(_, text)| !text.is_empty())
}

/// A day, with its time where it has one.
fn moment(at: ExcelDateTime) -> (Option<char>, Cow<'static, str>) {
    match at.as_datetime().filter(|_| at.is_datetime()) {
        Some(at) if at.time() == chrono::NaiveTime::MIN => (Some(DAY), at.date().to_string().into()),
        Some(at) => (Some(DAY), at.format("%Y-%m-%d %H:%M:%S").to_string().into()),
        None => (Some(NUMBER), at.as_f64().to_string().into()),
    }
}
