//! A form that brings a file, read as it comes: never whole in memory, and by nobody before it is known who sends it.

use crate::{BodyTrouble, headers::line, pace::Pace};
use multer::{Constraints, Field, Multipart, SizeLimit};
use poem::{Request, http::header};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What stands in a form around its file.
const AROUND: u64 = 64 * 1024;

/// The body of a form with a file, unread. Clones are of one body: who opens it first has it.
#[derive(Clone)]
pub struct FileBody(Arc<Mutex<Option<Result<Multipart<'static>, BodyTrouble>>>>, Duration);

/// The file of such a form, on its way in.
pub struct Incoming {
    /// What it is called where it comes from; empty where none was chosen.
    pub name: String,
    field: Field<'static>,
    pace: Pace,
}

impl FileBody {
    /// Takes the request's body, whose file may have so many bytes and pause so long between two of its parts. Nothing of it
    /// is read, and what is wrong with it is told to whoever opens it.
    pub fn of(request: &mut Request, limit: u64, pause: Duration) -> Self {
        let body = multipart(request, limit);
        Self(Arc::new(Mutex::new(Some(body))), pause)
    }

    /// The first file in it.
    pub async fn open(&self) -> Result<Incoming, BodyTrouble> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut body = body.ok_or(BodyTrouble::Unreadable)??;
        let mut pace = Pace::new(self.1);
        loop {
            let field = pace.wait(body.next_field()).await?;
            let field = field.map_err(|error| trouble(&error))?.ok_or(BodyTrouble::Unreadable)?;
            if let Some(name) = field.file_name() {
                return Ok(Incoming {
                    name: name.to_owned(),
                    field,
                    pace,
                });
            }
        }
    }
}

/// A declared length beyond the limit is refused unread.
fn multipart(request: &mut Request, limit: u64) -> Result<Multipart<'static>, BodyTrouble> {
    let length = line(request.headers(), header::CONTENT_LENGTH.as_str());
    let declared = length.and_then(|length| kernel::text::number::<u64>(&length));
    let most = limit.saturating_add(AROUND);
    if declared.is_some_and(|length| length > most) {
        return Err(BodyTrouble::TooLarge);
    }
    let content_type = line(request.headers(), header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let boundary = multer::parse_boundary(&*content_type).map_err(|_| BodyTrouble::Unreadable)?;
    let sizes = SizeLimit::new().whole_stream(most).per_field(limit);
    let constraints = Constraints::new().size_limit(sizes);
    let stream = request.take_body().into_bytes_stream();
    Ok(Multipart::with_constraints(stream, boundary, constraints))
}

impl Incoming {
    /// What comes next; nothing at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, BodyTrouble> {
        let next = self.pace.wait(self.field.chunk()).await?;
        let next = next.map_err(|error| trouble(&error))?;
        if let Some(bytes) = &next {
            self.pace.came(bytes.len());
        }
        Ok(next.map(Into::into))
    }
}

fn trouble(error: &multer::Error) -> BodyTrouble {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => BodyTrouble::TooLarge,
        _ => BodyTrouble::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(parts: &[(&str, &str)]) -> Request {
        let parts = parts.iter().map(|(disposition, value)| {
            format!("--x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
        });
        let body = parts.chain(["--x--\r\n".to_owned()]).collect::<String>();
        Request::builder()
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(body)
    }

    async fn read(mut request: Request, limit: u64) -> Result<(String, Vec<u8>), BodyTrouble> {
        let body = FileBody::of(&mut request, limit, Duration::from_secs(1));
        let mut file = body.open().await?;
        let mut bytes = Vec::new();
        while let Some(next) = file.next().await? {
            bytes.extend(next);
        }
        assert_eq!(
            body.open().await.err(),
            Some(BodyTrouble::Unreadable),
            "it is read once"
        );
        Ok((file.name, bytes))
    }

    #[tokio::test]
    async fn the_file_of_a_form_is_read_to_its_end_whatever_stands_before_it() {
        let parts = [("name=\"for\"", "me"), ("name=\"file\"; filename=\"名簿.csv\"", "a,b")];
        assert_eq!(
            read(form(&parts), 3).await,
            Ok(("名簿.csv".to_owned(), b"a,b".to_vec()))
        );
    }

    #[tokio::test]
    async fn what_is_too_large_or_breaks_off_or_brings_no_file_is_told() {
        let file = [("name=\"file\"; filename=\"a\"", "a,b")];
        assert_eq!(read(form(&file), 2).await.err(), Some(BodyTrouble::TooLarge));
        let plain = [("name=\"file\"", "a,b")];
        assert_eq!(read(form(&plain), 9).await.err(), Some(BodyTrouble::Unreadable));
        let broken = Request::builder()
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\na,");
        assert_eq!(read(broken, 9).await.err(), Some(BodyTrouble::Unreadable));
        let declared = Request::builder().header(header::CONTENT_LENGTH, "99999999").body("");
        assert_eq!(read(declared, 9).await.err(), Some(BodyTrouble::TooLarge));
        let other = Request::builder()
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("file=a");
        assert_eq!(read(other, 9).await.err(), Some(BodyTrouble::Unreadable));
    }
}
