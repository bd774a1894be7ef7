//! A table in a file: which columns it has, then row by row, each fault noted with its line.

use crate::{
    Coded, Column, Encoding, ErrorLog, Fault, Header, Mapping, book, cells,
    metered::Metered,
    shape::{self, Shape},
};
use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};
use kernel::text;
use std::{
    borrow::Cow,
    io::{self, Chain, Cursor, Read},
};

/// What a table is read by.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Rows at most.
    pub max_rows: u64,
    /// What its rows are of, as the fault of a table without rows names it: 加入者.
    pub rows_of: &'static str,
    /// Whether blanks behind the header's columns are nothing, as some programs leave them there. They are not in text where a
    /// comma within an amount would part it in two and shift what stands behind it.
    pub blanks_behind: bool,
}

/// A table being read. What is wrong gathers in it.
pub struct Table<C, Reason, R> {
    csv: Reader<Metered<Bytes<R>>>,
    /// Of a book: what its file was.
    book: Option<Packed>,
    pub(crate) record: ByteRecord,
    pub(crate) encoding: Encoding,
    /// True once a record was read that tells encodings apart: plain letters are the same in all.
    is_encoding_known: bool,
    header: Header<C>,
    mapping: Mapping,
    rules: Rules,
    rows: u64,
    /// The line of a record that was read and is a row still to be handed out.
    pending: Option<u64>,
    /// True once there are no rows to come, or none that could be read.
    is_over: bool,
    pub(crate) errors: ErrorLog<Reason>,
}

/// Where a table's lines come from.
enum Bytes<R> {
    Text(Chain<Cursor<Vec<u8>>, R>),
    Book(book::Lines),
}

impl<R: Read> Read for Bytes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Text(text) => text.read(buffer),
            Self::Book(lines) => lines.read(buffer),
        }
    }
}

/// A book's file.
struct Packed {
    hash: [u8; 32],
    bytes: u64,
}

/// What is known once a file is read to its end.
pub struct TableRead<C, Reason> {
    /// How it is encoded, as found.
    pub encoding: Encoding,
    /// Which columns it has.
    pub header: Header<C>,
    /// All that is wrong with it.
    pub errors: ErrorLog<Reason>,
    /// SHA-256 of the file's bytes, also of what nobody wanted to read.
    pub hash: [u8; 32],
}

impl<C: Column, Reason: Coded + From<Fault>, R: Read> Table<C, Reason, R> {
    /// Tells shape and encoding and reads the header. A table whose header is wrong has no rows.
    pub fn open(file: R, rules: Rules) -> io::Result<Self> {
        Self::open_mapped(file, Mapping::default(), rules)
    }

    /// The same where somebody has said which header means which column.
    pub fn open_mapped(file: R, mapping: Mapping, rules: Rules) -> io::Result<Self> {
        let mut table = Self::begin(file, mapping, rules)?;
        if table.errors.is_empty() {
            table.read_header();
        }
        table.pending = None;
        table.is_over = !table.errors.is_empty();
        Ok(table)
    }

    /// The same of a table without a header: which column is where of how many, counted from 1. Its first line says how it is
    /// encoded; one of plain letters is CP932, as such files have been since before there was anything else.
    pub fn open_laid_out(file: R, layout: &[(C, usize)], width: usize, rules: Rules) -> io::Result<Self> {
        let mut table = Self::begin(file, Mapping::default(), rules)?;
        table.header = Header::laid_out(layout, width);
        table.is_encoding_known = true;
        if table.errors.is_empty() {
            match table.decoded() {
                Some((Encoding::Utf8, _)) if table.record.iter().all(<[u8]>::is_ascii) => {
                    table.encoding = Encoding::Cp932;
                }
                Some((encoding, _)) => table.encoding = encoding,
                None => table.fault(1, Fault::UnknownEncoding),
            }
        }
        table.is_over = !table.errors.is_empty();
        Ok(table)
    }

    /// Tells the shape and reads the first record.
    pub(crate) fn begin(mut file: R, mapping: Mapping, rules: Rules) -> io::Result<Self> {
        let head = shape::head(&mut file)?;
        let (shape, bytes, book) = if book::is_book(&head) {
            match book::open(head, &mut file)? {
                Ok(book) => {
                    let (hash, bytes) = (book.hash, book.packed);
                    (Ok(Shape::USUAL), Bytes::Book(book.lines), Some(Packed { hash, bytes }))
                }
                Err(head) => (
                    Err(Fault::BookTooLarge),
                    Bytes::Text(Cursor::new(head).chain(file)),
                    None,
                ),
            }
        } else {
            (Shape::of(&head), Bytes::Text(Cursor::new(head).chain(file)), None)
        };
        let Shape { delimiter, ends_in_cr } = shape.clone().unwrap_or(Shape::USUAL);
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // Line feeds alone end a row, so that lines can be counted; `Row` takes the carriage return off.
            .terminator(Terminator::Any(b'\n'))
            .from_reader(Metered::new(bytes, ends_in_cr));
        let max_rows = if book.is_some() {
            rules.max_rows.min(book::MOST_ROWS)
        } else {
            rules.max_rows
        };
        let mut table = Self {
            csv,
            book,
            record: ByteRecord::new(),
            encoding: Encoding::Utf8,
            is_encoding_known: false,
            header: Header::read(&[], &Mapping::default(), &mut ErrorLog::<Fault>::default()),
            mapping,
            rules: Rules { max_rows, ..rules },
            rows: 0,
            pending: None,
            is_over: false,
            errors: ErrorLog::default(),
        };
        match shape {
            Ok(_) => {
                // Text was looked at, and is not blank.
                table.pending = table.next_record()?;
                if table.pending.is_none() && table.errors.is_empty() {
                    table.fault(1, Fault::EmptyFile);
                }
            }
            Err(fault) => table.fault(1, fault),
        }
        Ok(table)
    }

    /// Where its columns stand.
    pub fn header(&self) -> &Header<C> {
        &self.header
    }

    /// The next row that is not blank and has the header's columns; none at the end.
    pub fn next_row(&mut self) -> io::Result<Option<Row<'_, C, Reason>>> {
        let line = loop {
            if self.is_over {
                return Ok(None);
            }
            let next = match self.pending.take() {
                None => self.next_record()?,
                pending => pending,
            };
            let Some(line) = next else {
                self.is_over = true;
                if self.rows == 0 && self.errors.is_empty() {
                    self.fault(1, Fault::NoRows(self.rules.rows_of));
                }
                return Ok(None);
            };
            let max = self.rules.max_rows;
            if self.rows == max {
                self.is_over = true;
                self.fault(line, Fault::TooManyRows { max });
                return Ok(None);
            }
            self.rows += 1;
            if self
                .header
                .fits(&self.record, self.rules.blanks_behind || self.book.is_some())
            {
                break line;
            }
            let (expected, found) = (self.header.width, self.record.len());
            self.fault(line, Fault::FieldCount { expected, found });
        };
        Ok(Some(Row {
            line,
            record: &self.record,
            encoding: self.encoding,
            is_book: self.book.is_some(),
            header: &self.header,
            errors: &mut self.errors,
        }))
    }

    /// Bytes read so far; of a book, which is larger than its file, all of that at most.
    pub fn bytes(&self) -> u64 {
        let bytes = self.csv.get_ref().bytes;
        self.book.as_ref().map_or(bytes, |book| book.bytes.min(bytes))
    }

    /// Reads to the file's end, for its hash.
    pub fn finish(self) -> io::Result<TableRead<C, Reason>> {
        Ok(TableRead {
            encoding: self.encoding,
            header: self.header,
            errors: self.errors,
            hash: match self.book {
                Some(book) => book.hash,
                None => self.csv.into_inner().hash_to_end()?,
            },
        })
    }

    fn fault(&mut self, line: u64, fault: Fault) {
        self.errors.add(line, "", fault.into());
    }

    /// The next record that is not blank, and the line it begins on.
    pub(crate) fn next_record(&mut self) -> io::Result<Option<u64>> {
        loop {
            match self.csv.read_byte_record(&mut self.record) {
                Ok(false) => return Ok(None),
                Ok(true) => {}
                Err(error) => {
                    let line = self.csv.position().line();
                    return match error.into_kind() {
                        csv::ErrorKind::Io(long) if long.kind() == io::ErrorKind::FileTooLarge => {
                            self.fault(line, Fault::RowTooLong);
                            Ok(None)
                        }
                        csv::ErrorKind::Io(other) => {
                            // A book's own end.
                            let fault = other.get_ref().and_then(|error| error.downcast_ref::<Fault>()).cloned();
                            self.fault(line, fault.ok_or(other)?);
                            Ok(None)
                        }
                        // Bytes of any shape are records; only reading can fail.
                        other => Err(io::Error::other(format!("{other:?}"))),
                    };
                }
            }
            self.csv.get_mut().row_bytes = 0;
            if self.csv.get_ref().is_unended {
                drop_end_mark(&mut self.record);
            }
            if !self.record.iter().flatten().copied().all(shape::is_blank) {
                self.learn_encoding();
                let within = self.record.iter().flatten().filter(|byte| **byte == b'\n').count();
                let within = u64::try_from(within).unwrap_or_default();
                // The reader stands behind the line feed that ended the row, but where the file's end did, within a quotation.
                let ended = u64::from(!self.csv.get_ref().is_over);
                return Ok(Some(self.csv.position().line().saturating_sub(ended + within)));
            }
        }
    }

    /// A header of plain letters, whose columns somebody has named, doesn't tell how the rows are encoded; the first other row does.
    fn learn_encoding(&mut self) {
        if self.is_encoding_known || self.record.iter().all(<[u8]>::is_ascii) {
            return;
        }
        if let Some((encoding, _)) = self.decoded() {
            (self.encoding, self.is_encoding_known) = (encoding, true);
        }
    }

    /// A record's fields in the first encoding that they are text in.
    pub(crate) fn decoded(&self) -> Option<(Encoding, Vec<String>)> {
        Encoding::of(self.csv.get_ref().head, &self.record)
    }

    /// The header decides on the encoding: in the right one its columns have names that are known.
    fn read_header(&mut self) {
        if let Some((encoding, fields)) = self.decoded() {
            let header = Header::read(&fields, &self.mapping, &mut self.errors);
            let record = &self.record;
            // Of a file in another encoding no column is known; naming each as missing would mislead.
            let is_other = header.is_foreign() && !record.is_empty() && !record.iter().all(<[u8]>::is_ascii);
            if !is_other {
                (self.encoding, self.header) = (encoding, header);
                return;
            }
            self.errors = ErrorLog::default();
        }
        self.fault(1, Fault::UnknownEncoding);
    }
}

/// The mark at the end of an old text file may stand behind its last field.
fn drop_end_mark(record: &mut ByteRecord) {
    let last = record.get(record.len().saturating_sub(1)).unwrap_or_default();
    let marks = last.iter().rev().take_while(|byte| **byte == shape::END_MARK).count();
    if marks > 0 {
        let kept = last.get(..last.len() - marks).unwrap_or_default().to_vec();
        record.truncate(record.len() - 1);
        record.push_field(&kept);
    }
}

/// One row and where its errors go.
pub struct Row<'a, C, Reason> {
    line: u64,
    record: &'a ByteRecord,
    encoding: Encoding,
    is_book: bool,
    header: &'a Header<C>,
    errors: &'a mut ErrorLog<Reason>,
}

impl<C: Column, Reason: Coded + From<Fault>> Row<'_, C, Reason> {
    /// The line of the file, from 1, on which it begins.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What `parse` makes of a column's value; nothing, with the error noted, where it is wrong. Of a column that the file has
    /// not, the value of an empty field. What a spreadsheet has damaged does not come to `parse`.
    pub fn read<T, E: Into<Reason>>(&mut self, column: C, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let Some(text) = self.encoding.decode(self.bytes(column)) else {
            let undecodable = Fault::Undecodable(self.encoding);
            self.errors.add(self.line, column.name(), undecodable.into());
            return None;
        };
        let held = if self.is_book {
            book::value(&text, column.is_code())
        } else {
            Ok(&*text)
        };
        let parsed = match held.and_then(|held| plain(held, column.is_code())) {
            Ok(plain) => parse(&plain).map_err(Into::into),
            Err(fault) => Err(fault.into()),
        };
        let shown = if self.is_book { book::shown(&text) } else { &text };
        parsed
            .map_err(|reason| self.errors.add_value(self.line, column.name(), shown, reason))
            .ok()
    }
}

impl<'a, C: Column, Reason> Row<'a, C, Reason> {
    /// What stands in the column; nothing where the file has no such column, or the row ends before it.
    fn bytes(&self, column: C) -> &'a [u8] {
        let Some(place) = self.header.place(column) else {
            return b"";
        };
        let bytes = self.record.get(place).unwrap_or_default();
        if place + 1 == self.record.len() {
            // Rows end with a line feed, whatever stands before it.
            bytes.strip_suffix(b"\r").unwrap_or(bytes)
        } else {
            bytes
        }
    }
}

/// The field as it was before a spreadsheet guarded it, if what it holds now can be its value at all.
fn plain(text: &str, is_code: bool) -> Result<Cow<'_, str>, Fault> {
    if text::has_control(text) {
        return Err(Fault::Control);
    }
    if text.contains('\u{FFFD}') {
        return Err(Fault::LostCharacter);
    }
    if let Some(guarded) = cells::unwrapped(text) {
        return cells::damage_within(&guarded).map_or(Ok(guarded), Err);
    }
    cells::damage(text, is_code).map_or(Ok(Cow::Borrowed(text)), Err)
}

#[cfg(test)]
mod tests;
