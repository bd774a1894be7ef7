//! What keys close and hash, and how they are changed without anybody noticing.

mod bound;
mod carriers;
mod columns;
pub(crate) mod names;
mod proof;

use std::fmt::Write as _;

/// Bytes as PostgreSQL writes them behind `\x`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
