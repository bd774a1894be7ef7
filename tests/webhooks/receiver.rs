//! Receivers of webhooks on loopback: what they were sent, and answers as bad as they come.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde_json::Value;
use sha2::Sha256;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_rustls::TlsAcceptor;

/// How long a message may take: longer than the lease of a worker that was killed.
const PATIENCE: Duration = Duration::from_secs(40);

/// How a receiver answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// With a status and a word.
    Status(u16),
    /// With a redirect.
    To(String),
    /// With 200, but not before so long.
    Late(Duration),
    /// Not at all.
    Hang,
    /// It hangs up in the middle of the status.
    CloseHalfWay,
    /// With 200, and a body that never ends.
    Endless,
    /// With 200, and a body that never comes.
    SlowBody,
    /// With headers that never end.
    EndlessHead,
}

/// A message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) text: String,
}

impl Message {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn sequence(&self) -> i64 {
        self.json()["data"]["sequence"].as_i64().unwrap()
    }

    pub(crate) fn subject(&self) -> String {
        self.json()["data"]["subject"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn signatures(&self) -> Vec<&str> {
        self.headers["webhook-signature"].split(' ').collect()
    }

    /// Whether it was signed by this secret, as the standard says.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.text).as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signatures().contains(&signature.as_str())
    }
}

/// What is shared with its connections.
struct Shared {
    answers: Mutex<Answers>,
    taken: Mutex<Vec<Message>>,
}

/// The next answers, and the one after all of them.
struct Answers {
    next: Vec<Answer>,
    then: Answer,
}

/// A receiver.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    pub(crate) async fn start(then: Answer) -> Self {
        Self::listening(then, None).await
    }

    /// One that is spoken to by TLS, with this certificate and key, as PEM.
    pub(crate) async fn by_tls(then: Answer, certificate: &str, key: &str) -> Self {
        let certificates = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .unwrap();
        Self::listening(then, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listening(then: Answer, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("0.0.0.0", 0)).await.unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().unwrap().port()));
        let shared = Arc::new(Shared {
            answers: Mutex::new(Answers { next: vec![], then }),
            taken: Mutex::new(vec![]),
        });
        let of_server = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (shared, tls) = (Arc::clone(&of_server), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, shared).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            shared,
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/in?from=madoguchi", self.address)
    }

    /// Answers so, in this order, and then as ever.
    pub(crate) fn next(&self, answers: &[Answer]) {
        self.shared.answers.lock().unwrap().next = answers.iter().rev().cloned().collect();
    }

    /// Answers so from now on.
    pub(crate) fn then(&self, answer: Answer) {
        self.shared.answers.lock().unwrap().then = answer;
    }

    /// What came so far, in the order in which it came.
    pub(crate) fn taken(&self) -> Vec<Message> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// Waits until so many have come.
    pub(crate) async fn has(&self, count: usize) -> Vec<Message> {
        let begun = Instant::now();
        while self.taken().len() < count {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.taken());
            sleep(Duration::from_millis(10)).await;
        }
        self.taken()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let Some(message) = read(&mut stream).await else { return };
    shared.taken.lock().unwrap().push(message);
    let answer = {
        let mut answers = shared.answers.lock().unwrap();
        answers.next.pop().unwrap_or_else(|| answers.then.clone())
    };
    let written = match answer {
        Answer::Status(status) => {
            let text = format!("HTTP/1.1 {status} Said\r\ncontent-length: 6\r\nx-secret: theirs\r\n\r\ntheirs");
            stream.write_all(text.as_bytes()).await
        }
        Answer::To(place) => {
            let text = format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(text.as_bytes()).await
        }
        Answer::Late(wait) => {
            sleep(wait).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await
        }
        Answer::Hang => {
            sleep(Duration::from_mins(1)).await;
            Ok(())
        }
        Answer::CloseHalfWay => stream.write_all(b"HTTP/1.1 2").await,
        Answer::Endless => {
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let mut written = stream.write_all(head).await;
            while written.is_ok() {
                let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
                written = stream.write_all(chunk.as_bytes()).await;
            }
            Ok(())
        }
        Answer::SlowBody => {
            drop(
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx")
                    .await,
            );
            sleep(Duration::from_mins(1)).await;
            Ok(())
        }
        Answer::EndlessHead => {
            let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
            for number in 0..100_000 {
                if written.is_err() {
                    break;
                }
                written = stream
                    .write_all(format!("x-{number}: {}\r\n", "x".repeat(1000)).as_bytes())
                    .await;
            }
            Ok(())
        }
    };
    drop(written);
    drop(stream.shutdown().await);
}

/// Reads a request whole.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Message> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let headers: HashMap<String, String> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers.get("content-length")?.parse().ok()?;
        if bytes.len() >= end + 4 + length {
            let text = String::from_utf8(bytes[end + 4..].to_vec()).ok()?;
            return Some(Message { head, headers, text });
        }
    }
}
