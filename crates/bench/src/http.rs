//! The load generator's side of HTTP: one blocking keep-alive connection, requests written beforehand, answers read no
//! further than needed. Leaner than any client library, so that what is measured is the server: two system calls an
//! exchange, where pgbench needs three a statement. It asks for no compression, as a proxy in front would not either
//! (and pgbench's rows travel plain as well).

use std::{
    borrow::Cow,
    io::{Error, ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the service on loopback.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of it is the last answer.
    filled: usize,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200, 303, 503 …
    pub status: u16,
    /// `Retry-After` was there.
    pub retry_after: bool,
    /// A session cookie was set.
    pub session: bool,
    /// Where it leads.
    pub location: Option<String>,
    /// Bytes of the body.
    pub length: usize,
}

impl Connection {
    /// Connects.
    pub fn open(port: u16) -> std::io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; 512 * 1024],
            filled: 0,
        })
    }

    /// Sends a request and reads its whole answer.
    pub fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(room)?;
            if read == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "closed within an answer"));
            }
            filled += read;
            let so_far = self.buffer.get(..filled).unwrap_or_default();
            if let Some(answer) = parse(so_far)? {
                self.filled = filled;
                return Ok(answer);
            }
        }
    }

    /// How many rows the tables of the last answer have.
    pub fn rows(&self) -> usize {
        self.last().matches("</tr").count()
    }

    /// For whom the forms of the last answer were shown: what each of them sends back.
    pub fn mark(&self) -> Option<String> {
        let last = self.last();
        let (_, rest) = last.split_once("name=\"for\" value=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    }

    /// The body of the last answer, which this was.
    pub fn body(&self, answer: &Answer) -> &[u8] {
        let from = self.filled.saturating_sub(answer.length);
        self.buffer.get(from..self.filled).unwrap_or_default()
    }

    fn last(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.buffer.get(..self.filled).unwrap_or_default())
    }
}

/// The answer, once it is whole.
fn parse(bytes: &[u8]) -> std::io::Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let strange = || Error::new(ErrorKind::InvalidData, "not an answer this client reads");
    let head = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok());
    let mut lines = head.ok_or_else(strange)?.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12)).ok_or_else(strange)?;
    let mut answer = Answer {
        status: status.parse().map_err(|_| strange())?,
        retry_after: false,
        session: false,
        location: None,
        length: 0,
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            answer.length = value.trim().parse().map_err(|_| strange())?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(strange());
        } else if name.eq_ignore_ascii_case("retry-after") {
            answer.retry_after = true;
        } else if name.eq_ignore_ascii_case("location") {
            answer.location = Some(value.trim().to_owned());
        } else if name.eq_ignore_ascii_case("set-cookie") {
            answer.session |= value.trim_start().starts_with("__Host-session=");
        }
    }
    Ok((bytes.len() >= end + 4 + answer.length).then_some(answer))
}

/// `GET` of a page with a session.
pub fn get(path: &str, session: &str) -> Vec<u8> {
    get_as("__Host-session", path, session)
}

/// [`get`] with a session in this cookie.
pub fn get_as(cookie: &str, path: &str, session: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nCookie: {cookie}={session}\r\n\r\n")
        .into_bytes()
}

/// `POST` of the log-in form from an address.
pub fn log_in(user_id: &str, password: &str, address: &str) -> Vec<u8> {
    let body = form(&[("user_id", user_id), ("password", password)]);
    form_post("/portal/", &format!("X-Forwarded-For: {address}"), &body)
}

/// `POST` of a form with a session in this cookie.
pub fn post_as(cookie: &str, path: &str, session: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    form_post(path, &format!("Cookie: {cookie}={session}"), &form(fields))
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn form_post(path: &str, header: &str, body: &str) -> Vec<u8> {
    let headers = format!("Sec-Fetch-Site: same-origin\r\n{header}");
    post(path, &headers, "application/x-www-form-urlencoded", body.as_bytes())
}

/// `GET` with a header of one's own.
pub fn get_with(path: &str, header: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n{header}\r\n\r\n").into_bytes()
}

/// `POST` of a body with a header of one's own.
pub fn post(path: &str, header: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n{header}\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let text = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nContent-Length: 2\r\n\r\nab";
        for cut in 0..text.len() {
            assert_eq!(parse(&text[..cut]).unwrap(), None, "{cut}");
        }
        let answer = parse(text).unwrap().unwrap();
        assert_eq!(
            (answer.status, answer.retry_after, answer.session, answer.length),
            (503, true, false, 2)
        );
    }

    #[test]
    fn a_log_in_is_known_by_its_cookie() {
        let text = b"HTTP/1.1 303 See Other\r\nset-cookie: __Host-session=1.a; Path=/\r\ncontent-length: 0\r\n\r\n";
        assert!(parse(text).unwrap().unwrap().session);
        assert!(parse(b"rubbish\r\n\r\n").is_err());
    }
}
