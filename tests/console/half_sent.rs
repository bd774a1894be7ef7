//! A form with a file as it comes over a slow line: its end is sent once something has happened meanwhile.

use testkit::{TestApp, TestClerk};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Bytes that come last: the end of the file, and that of the form.
const LAST: usize = 20;

/// A clerk's form of which all but its end has been sent.
pub(super) struct HalfSent {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl HalfSent {
    /// Sends it to the server of a test, whose clerk it may be or another insurer's.
    pub(super) async fn new(app: &TestApp, clerk: &TestClerk, path: &str, body: &[u8]) -> Self {
        let address = app.url.strip_prefix("http://").unwrap();
        let mark = clerk.mark(path).await.unwrap();
        let head = format!(
            "POST {path}?for={mark} HTTP/1.1\r\nHost: {address}\r\nSec-Fetch-Site: same-origin\r\n\
             Cookie: __Host-console={}\r\nContent-Type: multipart/form-data; boundary=xyz\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            clerk.session,
            body.len()
        );
        let (first, rest) = body.split_at(body.len() - LAST);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[head.as_bytes(), first].concat()).await.unwrap();
        Self {
            stream,
            rest: rest.to_vec(),
        }
    }

    /// Sends the rest. What is answered, as it comes.
    pub(super) async fn end(mut self) -> String {
        self.stream.write_all(&self.rest).await.unwrap();
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}
