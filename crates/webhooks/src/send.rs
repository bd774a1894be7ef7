//! One message to one endpoint: a connection of its own to an address that was judged, a POST, a status. Nothing is followed and
//! no proxy asked; of the answer no more than its status is kept.
//!
//! The address that is connected to is the very one that was judged, whatever the name resolves to a moment later: this file asks the
//! resolver itself. All of it has [`WHOLE`], whatever hangs.

use crate::{Settings, sign::Secret};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Body as _, Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use std::{future, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

/// From the name's resolution to the status.
const WHOLE: Duration = Duration::from_secs(15);
/// For one connection, where a name has several addresses.
const CONNECTING: Duration = Duration::from_secs(5);
/// Addresses of a name that are tried.
const ADDRESSES: usize = 4;
/// Bytes of an answer's head, and of its body, that are read at most …
const READ: usize = 64 * 1024;
/// … and for how long, once the status is known: so whoever sends it is not cut off in the middle of a word.
const READING: Duration = Duration::from_secs(1);

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// With a status.
    Status(u16),
    /// Without one, and why.
    Nothing(&'static str),
}

impl Answer {
    /// True of what the receiver has taken: 2xx.
    pub(crate) fn is_taken(self) -> bool {
        matches!(self, Self::Status(200..=299))
    }
}

/// What is sent.
pub(crate) struct Sending<'a> {
    /// The message's id, the same however often it is sent.
    pub id: String,
    /// When it is sent, in seconds.
    pub seconds: i64,
    pub body: String,
    /// Those that sign.
    pub secrets: &'a [Secret],
}

/// Sends to where the settings admit.
pub(crate) struct Sender {
    settings: Settings,
    tls: TlsConnector,
}

impl Sender {
    /// By TLS as the rest of the house has it, against the system's authorities.
    pub(crate) fn new(settings: Settings) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            settings,
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Sends it.
    pub(crate) async fn send(&self, url: &Url, sending: &Sending<'_>) -> Answer {
        match timeout(WHOLE, self.attempt(url, sending)).await {
            Ok(Ok(status)) => Answer::Status(status),
            Ok(Err(why)) => Answer::Nothing(why),
            Err(_) => Answer::Nothing("timeout"),
        }
    }

    async fn attempt(&self, url: &Url, sending: &Sending<'_>) -> Result<u16, &'static str> {
        let stream = self.connect(url).await?;
        let request = request(url, sending).ok_or("internal")?;
        if url.scheme() != "https" {
            return exchange(stream, request).await;
        }
        let name = match url.host().ok_or("internal")? {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| "tls")?,
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::V4(address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::V6(address)),
        };
        let stream = self.tls.connect(name, stream).await.map_err(|_| "tls")?;
        exchange(stream, request).await
    }

    /// A connection to an address that is admitted. Where one of a name's is not, none is tried: whoever set it means no good.
    async fn connect(&self, url: &Url) -> Result<TcpStream, &'static str> {
        let addresses = resolve(url).await?;
        if !addresses.iter().all(|address| self.settings.admits(address.ip())) {
            return Err("address_refused");
        }
        for address in addresses.into_iter().take(ADDRESSES) {
            if let Ok(Ok(stream)) = timeout(CONNECTING, TcpStream::connect(address)).await {
                // Late packets are worse than small ones.
                stream.set_nodelay(true).map_err(|_| "no_connection")?;
                return Ok(stream);
            }
        }
        Err("no_connection")
    }
}

async fn resolve(url: &Url) -> Result<Vec<SocketAddr>, &'static str> {
    let port = url.port_or_known_default().ok_or("internal")?;
    let addresses = match url.host().ok_or("internal")? {
        Host::Ipv4(address) => vec![SocketAddr::from((address, port))],
        Host::Ipv6(address) => vec![SocketAddr::from((address, port))],
        Host::Domain(name) => {
            let found = tokio::net::lookup_host((name, port)).await;
            found.map_err(|_| "no_address")?.collect()
        }
    };
    if addresses.is_empty() {
        return Err("no_address");
    }
    Ok(addresses)
}

fn request(url: &Url, sending: &Sending<'_>) -> Option<Request<Full<Bytes>>> {
    let Sending {
        id,
        seconds,
        body,
        secrets,
    } = sending;
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(id, *seconds, body)).collect();
    let request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
        .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(header::USER_AGENT, "Madoguchi-Webhooks/1")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
        .header("webhook-id", id)
        .header("webhook-timestamp", *seconds)
        .header("webhook-signature", signatures.join(" "))
        .body(Full::from(body.clone()));
    request.ok()
}

/// Sends the request and waits for its status.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Full<Bytes>>,
) -> Result<u16, &'static str> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(READ);
    let shaken = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|_| "no_answer")?;
    // It moves while it is polled. Its end alone tells nothing: what came over it is with the sender by then.
    let moving = async {
        drop(connection.await);
        future::pending::<()>().await;
    };
    let asking = async {
        let response = sender.send_request(request).await.map_err(|_| "no_answer")?;
        let status = response.status().as_u16();
        drop(timeout(READING, read(response)).await);
        Ok(status)
    };
    tokio::select! {
        answer = asking => answer,
        () = moving => Err("no_answer"),
    }
}

/// Reads what comes after the head, and forgets it.
async fn read(response: Response<Incoming>) {
    let mut body = response.into_body();
    let mut read = 0;
    while read < READ && !body.is_end_stream() {
        let Some(Ok(frame)) = body.frame().await else { return };
        read += frame.data_ref().map_or(0, Bytes::len);
    }
}
