//! Files that people take along, in the encoding that their spreadsheet wants.

use crate::{Chunk, Encoding, Progress, Source, in_batches, written};
use encoding_rs::{CoderResult, UTF_8};
use std::io::{self, Read as _};
use tokio::sync::mpsc;

/// Bytes handed on at a time.
const AT_ONCE: usize = 1 << 16;

/// A file of ours, which is UTF-8 behind a byte order mark, as the other wants it: as it is, or in CP932.
pub fn outgoing(file: Source, encoding: Encoding) -> mpsc::Receiver<Chunk<Vec<u8>>> {
    let (chunks, _) = in_batches(file, move |mut opened, take| {
        let mut decoder = UTF_8.new_decoder_with_bom_removal();
        let (mut bytes, mut read) = (vec![0; AT_ONCE], 0);
        loop {
            let count = opened.stream.read(&mut bytes)?;
            let part = bytes.get(..count).unwrap_or_default();
            read += count as u64;
            let batch = match encoding {
                Encoding::Cp932 => {
                    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(count).unwrap_or(AT_ONCE));
                    let (result, ..) = decoder.decode_to_string(part, &mut text, count == 0);
                    if result == CoderResult::OutputFull {
                        return Err(io::Error::other("a text is longer than its bytes"));
                    }
                    cp932(&text)
                }
                Encoding::Utf8 | Encoding::Utf8Bom => part.to_vec(),
            };
            let progress = Progress {
                bytes: read,
                of: opened.of,
            };
            if !take(Chunk { batch, progress }) || count == 0 {
                return Ok(());
            }
        }
    });
    chunks
}

/// The text in CP932.
pub fn cp932(text: &str) -> Vec<u8> {
    text.chars()
        .flat_map(|c| written::cp932(c).unwrap_or_else(written::geta))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Opened;
    use encoding_rs::SHIFT_JIS;

    async fn taken(text: &str, encoding: Encoding) -> Vec<u8> {
        let bytes = text.as_bytes().to_vec();
        let source = Source::new("a.csv", move || {
            Ok(Opened {
                of: bytes.len() as u64,
                stream: Box::new(io::Cursor::new(bytes)),
            })
        });
        let mut chunks = outgoing(source, encoding);
        let mut all = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            all.extend(chunk.batch);
        }
        all
    }

    #[tokio::test]
    async fn a_file_is_as_it_is_or_in_cp932_with_a_mark_for_what_that_lacks() {
        let text = format!("\u{FEFF}氏名\r\n髙田\r\n𠮷田{}\r\n", "あ".repeat(AT_ONCE));
        assert_eq!(taken(&text, Encoding::Utf8Bom).await, text.as_bytes());
        let expected = text.trim_start_matches('\u{FEFF}').replace('𠮷', "〓");
        let bytes = taken(&text, Encoding::Cp932).await;
        assert_eq!(SHIFT_JIS.decode_without_bom_handling(&bytes).0, expected);
    }
}
