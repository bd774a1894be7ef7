//! A table as a file that leaves while it is read.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use kernel::Outage;
use poem::{Body, Response, http::header};
use std::io;
use tabular::Written;

/// The file: its header, and rows in batches as the encoding writes them. Where one can't be had the answer breaks off, so
/// that no part passes for the whole.
pub(super) fn csv(
    name: &str,
    encoding: Written,
    header: &[&str],
    rows: impl Stream<Item = Result<Vec<u8>, Outage>> + Send + 'static,
) -> Response {
    let beginning = [encoding.beginning(), &encoding.line(header)].concat();
    let whole = stream::iter([Ok(beginning)]).chain(rows.map_err(io::Error::other));
    Response::builder()
        .content_type(format!("text/csv; charset={}", encoding.charset()))
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
        .body(Body::from_bytes_stream(whole))
}
