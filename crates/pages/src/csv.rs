//! A table as a file that leaves while it is read.

use crate::forms::encode;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use kernel::Outage;
use poem::{Body, Response, http::header};
use std::io;
use tabular::Written;

/// The file: its header, and rows in batches as the encoding writes them. Where one can't be had the answer breaks off, so
/// that no part passes for the whole.
pub fn csv(
    name: &str,
    encoding: Written,
    header: &[&str],
    rows: impl Stream<Item = Result<Vec<u8>, Outage>> + Send + 'static,
) -> Response {
    let beginning = [encoding.beginning(), &encoding.line(header)].concat();
    let whole = stream::iter([Ok(beginning)]).chain(rows.map_err(io::Error::other));
    Response::builder()
        .content_type(format!("text/csv; charset={}", encoding.charset()))
        .header(header::CONTENT_DISPOSITION, attachment(name))
        .body(Body::from_bytes_stream(whole))
}

/// Saved, not shown, under this name; what knows no other names than ASCII takes what is left of it (RFC 6266, RFC 5987). Names
/// of ours hold no blanks and no signs.
pub(crate) fn attachment(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii).collect();
    if plain == name {
        return format!("attachment; filename=\"{name}\"");
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", encode(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_japanese_name_is_said_in_both_ways_and_a_plain_one_in_one() {
        assert_eq!(
            attachment("audit-20260101.csv"),
            "attachment; filename=\"audit-20260101.csv\""
        );
        assert_eq!(
            attachment("医2026年.csv"),
            "attachment; filename=\"2026.csv\"; filename*=UTF-8''%E5%8C%BB2026%E5%B9%B4.csv"
        );
    }
}
