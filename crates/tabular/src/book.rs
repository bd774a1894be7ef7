//! Excel's books (.xlsx), handed on as the lines of a CSV: a row of the sheet is a line, so that faults name the sheet's own
//! rows and everything else is read as ever. What a sheet knows and a CSV does not, whether a cell holds a number or a day,
//! stands before its value as a mark.
//!
//! What it unpacks to is counted before any of it is kept ([`weigh`]). It is read on a thread of its own, which ends the file
//! where the library gives up, whatever a hostile file does to it.

mod weigh;

use crate::Fault;
use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError, XlsxFormulaMetadata};
use sha2::{Digest as _, Sha256};
use std::{
    borrow::Cow,
    io::{self, Cursor, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
};

/// The longest book, packed.
const MOST_PACKED: u64 = 20 << 20;
/// Rows of a sheet, by Excel's own bound.
const SHEET_ROWS: u32 = 1 << 20;
/// Columns, likewise.
const SHEET_COLUMNS: u32 = 1 << 14;
/// A row this long is none of a table's.
const MOST_ROW: usize = 1 << 20;
/// All lines of a book: a long text may stand in many cells and be kept once.
const MOST_LINES: usize = 256 << 20;
/// Bytes that are handed on at once, and how often that may be done ahead.
const CHUNK: usize = 1 << 16;
const AHEAD: usize = 4;
/// Sheets that are named in the fault of a book with several.
const NAMED: usize = 5;

/// Rows of a book at most.
pub(crate) const MOST_ROWS: u64 = 100_000;

const NUMBER: char = '\u{1}';
const DAY: char = '\u{2}';
/// A formula of which the book keeps no result.
const UNSOLVED: char = '\u{4}';
/// What stands for a control character of a cell, so that it is told as one and never taken for a mark.
const CONTROL: char = '\u{3}';

/// True for a file that begins as books do.
pub(crate) fn is_book(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

/// What stands in a cell of a book. A number is none of a code: it has lost its zeros at the front.
pub(crate) fn value(cell: &str, is_code: bool) -> Result<&str, Fault> {
    if cell.starts_with(UNSOLVED) {
        return Err(Fault::Unsolved);
    }
    match (cell.strip_prefix(NUMBER), cell.strip_prefix(DAY)) {
        (Some(_), _) if is_code => Err(Fault::Number),
        (_, Some(_)) if is_code => Err(Fault::TurnedToDate),
        (Some(value), _) | (_, Some(value)) => Ok(value),
        (None, None) => Ok(cell),
    }
}

/// A cell without its mark.
pub(crate) fn shown(cell: &str) -> &str {
    cell.trim_start_matches([NUMBER, DAY, UNSOLVED])
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
    let weighed = weigh::weigh(packed)?;
    let broken = |_: XlsxError| Fault::BrokenBook;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(weighed.packed)).map_err(broken)?;
    let sheet = only_sheet(&book)?;
    if let Some(cells) = weighed.merged {
        return Err(Fault::MergedCells(cells));
    }
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(broken)?;
    let mut lines = Writer::new(to);
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(broken)? {
        let held = value_of(&cell.value).or_else(|| unsolved(&cell.value, cell.formula.as_ref()));
        if !lines.put(cell.pos, held)? {
            return Ok(());
        }
    }
    lines.end();
    Ok(())
}

/// The name of the one sheet that there is: which of several is meant, nobody knows.
fn only_sheet<R: Read + io::Seek>(book: &Xlsx<R>) -> Result<String, Fault> {
    let sheets = book.sheets_metadata().iter();
    let sheets: Vec<_> = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    match sheets.as_slice() {
        [] => Err(Fault::BrokenBook),
        [sheet] => Ok(sheet.name.clone()),
        several => {
            let visible = |name: &str| name.chars().filter(|c| !c.is_control()).take(31).collect::<String>();
            let names: Vec<String> = several
                .iter()
                .take(NAMED)
                .map(|sheet| {
                    let hidden = match sheet.visible {
                        SheetVisible::Visible => "",
                        _ => "（非表示）",
                    };
                    format!("「{}」{hidden}", visible(&sheet.name))
                })
                .collect();
            let more = if several.len() > NAMED { "ほか" } else { "" };
            Err(Fault::ManySheets(names.concat() + more))
        }
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
    /// Bytes of all lines before this chunk.
    before: usize,
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
            before: 0,
            width: None,
        }
    }

    /// False once nobody wants any more.
    fn put(&mut self, (row, column): (u32, u32), held: Option<Held<'_>>) -> Result<bool, Fault> {
        let is_next = row > self.row || (row == self.row && (column > self.column || !self.has_value));
        if !is_next || row >= SHEET_ROWS || column >= SHEET_COLUMNS {
            return Err(Fault::BrokenBook);
        }
        let Some((mark, text)) = held else {
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
        if self.before + self.chunk.len() > MOST_LINES {
            return Err(Fault::BookTooLarge);
        }
        Ok(true)
    }

    /// A cell in quotation marks.
    fn write(&mut self, mark: Option<char>, text: &str) {
        let tame = |c: char| match c {
            // Within a cell there is no line: rows are told by lines.
            '\n' | '\r' => '\u{b}',
            NUMBER | DAY | UNSOLVED | '\0' => CONTROL,
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
            self.before += chunk.len();
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

/// A text, with the mark of what it is.
type Held<'a> = (Option<char>, Cow<'a, str>);

/// A formula where nothing stands as its result, as programs write books that never calculate. An empty text is a result.
fn unsolved<'a>(value: &DataRef<'_>, formula: Option<&'a XlsxFormulaMetadata>) -> Option<Held<'a>> {
    if *value != DataRef::Empty {
        return None;
    }
    let text = match formula? {
        XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. } => formula.as_str(),
        _ => "",
    };
    Some((Some(UNSOLVED), format!("={text}").into()))
}

/// What a cell holds; nothing of an empty one.
fn value_of<'a>(value: &'a DataRef<'_>) -> Option<Held<'a>> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::String(text) => (None, text.into()),
        DataRef::SharedString(text) => (None, (*text).into()),
        DataRef::Int(number) => (Some(NUMBER), number.to_string().into()),
        DataRef::Float(number) => (Some(NUMBER), number.to_string().into()),
        DataRef::Bool(is_true) => (Some(NUMBER), if *is_true { "TRUE" } else { "FALSE" }.into()),
        DataRef::DateTime(at) => moment(*at),
        DataRef::DateTimeIso(text) => (Some(DAY), without_midnight(text).into()),
        DataRef::DurationIso(text) => (Some(NUMBER), text.into()),
        DataRef::Error(error) => (None, error.to_string().into()),
    })
    .filter(|(_, text)| !text.is_empty())
}

/// A day as it is written in a book of the strict kind, which may have its midnight behind it.
fn without_midnight(text: &str) -> &str {
    match text.split_once('T') {
        Some((day, time)) if time.chars().all(|c| matches!(c, '0' | ':' | '.' | 'Z')) => day,
        _ => text,
    }
}

/// A day, with its time where it has one.
fn moment(at: ExcelDateTime) -> Held<'static> {
    match at.as_datetime().filter(|_| at.is_datetime()) {
        Some(at) if at.time() == chrono::NaiveTime::MIN => (Some(DAY), at.date().to_string().into()),
        Some(at) => (Some(DAY), at.format("%Y-%m-%d %H:%M:%S").to_string().into()),
        None => (Some(NUMBER), at.as_f64().to_string().into()),
    }
}
