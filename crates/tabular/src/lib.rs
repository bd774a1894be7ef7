//! Tables that people bring as files: what Excel, its neighbours and old machines call a CSV, in UTF-8 or CP932, with commas,
//! tabs or semicolons, and Excel's own books; columns in any order. Every fault is told by line, column, value and reason, all at once, so that
//! whoever mends the file mends it once. Nothing here knows what a table is of.
//!
//! Whoever reads one declares its columns with [`columns!`], its own reasons as an enum with a variant for a [`Fault`], opens a
//! [`Table`] and takes [`Row`] by row, each column through a parser of its own. A table is never held in memory as a whole:
//! [`in_batches`] reads it on a thread of its own and hands over what was made of it batch by batch. The file itself is a
//! [`Source`]: one on this machine, or one that was brought through a page ([`uploads`]).

mod book;
mod cells;
mod choices;
mod codes;
mod encoding;
mod errors;
mod faults;
mod gathering;
mod head;
mod header;
mod kept;
mod metered;
mod outgoing;
mod shape;
mod source;
mod table;
pub mod texts;
mod told;
pub mod uploads;
mod written;

pub use choices::Choice;
pub use codes::{CODES, codes_of};
pub use encoding::Encoding;
pub use errors::{Coded, ErrorLog, Quoted, RowError, RowErrors};
pub use faults::Fault;
pub use gathering::{Gathering, MOST_BYTES, NotTaken};
pub use head::Head;
pub use header::{Column, Header, Mapping, UNKNOWN, first_unknown};
pub use outgoing::{cp932, outgoing};
pub use source::{Chunk, Opened, Progress, Source, in_batches};
pub use table::{Row, Rules, Table, TableRead};
pub use told::{ToldError, ToldErrors, told};
pub use written::Written;
