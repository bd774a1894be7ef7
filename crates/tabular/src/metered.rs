//! The bytes of a file on their way to the parser: counted and hashed, the last line ended, no row longer than
//! [`MAX_ROW_BYTES`].

use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// A row this long is an open quotation mark; without a limit it would be read into memory to the end of the file.
const MAX_ROW_BYTES: u64 = 1 << 20;

pub(crate) struct Metered<R> {
    inner: R,
    /// True where carriage returns end its lines: they become line feeds.
    ends_in_cr: bool,
    /// True once its last line was ended for it.
    pub(crate) is_unended: bool,
    /// True once the parser was told that nothing comes any more.
    pub(crate) is_over: bool,
    hash: Sha256,
    /// The first bytes, where a byte order mark stands.
    pub(crate) head: [u8; 3],
    /// Read so far.
    pub(crate) bytes: u64,
    /// Read since the last row.
    pub(crate) row_bytes: u64,
    last: u8,
}

impl<R: Read> Metered<R> {
    pub(crate) fn new(inner: R, ends_in_cr: bool) -> Self {
        Self {
            inner,
            ends_in_cr,
            is_unended: false,
            is_over: false,
            hash: Sha256::new(),
            head: [0; 3],
            bytes: 0,
            row_bytes: 0,
            last: b'\n',
        }
    }

    /// The hash of the whole file, also of what nobody wanted to parse.
    pub(crate) fn hash_to_end(mut self) -> io::Result<[u8; 32]> {
        let mut rest = vec![0; 1 << 16];
        loop {
            self.row_bytes = 0;
            if self.read(&mut rest)? == 0 {
                return Ok(self.hash.finalize().into());
            }
        }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row_bytes > MAX_ROW_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.inner.read(buffer)?;
        let Some(read) = buffer.get_mut(..count) else {
            return Ok(0);
        };
        if read.is_empty() {
            return Ok(match buffer.first_mut() {
                Some(first) if self.last != b'\n' => {
                    (*first, self.last, self.is_unended) = (b'\n', b'\n', true);
                    1
                }
                Some(_) => {
                    self.is_over = true;
                    0
                }
                None => 0,
            });
        }
        self.hash.update(&*read);
        if self.ends_in_cr {
            for byte in read.iter_mut().filter(|byte| **byte == b'\r') {
                *byte = b'\n';
            }
        }
        let seen = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        for (slot, byte) in self.head.iter_mut().skip(seen).zip(&*read) {
            *slot = *byte;
        }
        let count_u64 = u64::try_from(count).unwrap_or_default();
        self.bytes += count_u64;
        self.row_bytes += count_u64;
        self.last = read.last().copied().unwrap_or(self.last);
        Ok(count)
    }
}
