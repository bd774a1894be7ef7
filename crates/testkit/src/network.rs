//! A network between a program and its server that fails as networks do: it keeps silent, it is slow, it is cut.
//!
//! Silence is kept as a network keeps it: connections stay open, new ones are accepted, and what was sent arrives once the
//! silence is over.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// How long the server may take with the last words of a client that is about to be cut off.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What the network does.
#[derive(Clone, Default)]
struct Weather {
    /// Nothing passes, either way.
    silent: bool,
    /// Connections with a lower number are silent for good.
    silent_below: usize,
    /// How long each piece takes.
    delay: Duration,
    /// Connections with a lower number are cut.
    cut_below: usize,
    /// What a client sends with these bytes in it is passed on; then its connection is cut, unanswered.
    last_words: Option<&'static [u8]>,
    /// The same of those clients alone that have sent these before.
    said_before: Option<&'static [u8]>,
}

/// A proxy on a port of its own.
pub struct Network {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    /// Connections accepted so far.
    accepted: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Drop for Network {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Network {
    /// Between whoever connects to it and the server of an address such as `postgres://user:password@host:port/database`.
    pub async fn before(url: &str) -> Self {
        let url = url::Url::parse(url).unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let weather = watch::Sender::new(Weather::default());
        let accepted = Arc::new(AtomicUsize::new(0));
        let (seen, numbers) = (weather.clone(), Arc::clone(&accepted));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(join(client, server.clone(), number, seen.subscribe()));
            }
        });
        Self {
            address,
            weather,
            accepted,
            accepting,
        }
    }

    /// The server's address, by way of this network.
    pub fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url.into()
    }

    /// Nothing passes from now on, on any connection.
    pub fn silence(&self) {
        self.weather.send_modify(|weather| weather.silent = true);
    }

    /// Nothing passes any more on the connections that are open now; new ones are well.
    pub fn silence_open(&self) {
        let below = self.accepted.load(Ordering::Relaxed);
        self.weather.send_modify(|weather| weather.silent_below = below);
    }

    /// From now on each piece takes so long.
    pub fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// All is well again, but for what [`Network::silence_open`] silenced.
    pub fn clear(&self) {
        self.weather.send_modify(|weather| {
            weather.silent = false;
            weather.delay = Duration::ZERO;
            weather.last_words = None;
            weather.said_before = None;
        });
    }

    /// Closes the connections that are open now.
    pub fn cut(&self) {
        let below = self.accepted.load(Ordering::Relaxed);
        self.weather.send_modify(|weather| weather.cut_below = below);
    }

    /// A client that sends these bytes is heard, and cut off before it is answered.
    pub fn cut_after(&self, last_words: &'static [u8]) {
        self.weather
            .send_modify(|weather| weather.last_words = Some(last_words));
    }

    /// A client that commits after a statement with these bytes is heard, and cut off before it is answered; others are well.
    pub fn cut_at_commit_of(&self, statement: &'static [u8]) {
        self.weather.send_modify(|weather| {
            weather.last_words = Some(b"COMMIT");
            weather.said_before = Some(statement);
        });
    }
}

async fn join(client: TcpStream, server: String, number: usize, mut weather: watch::Receiver<Weather>) {
    // As through a network that swallows packets: whoever connects finds somebody, and hears nothing.
    if weather.wait_for(|weather| !weather.silent).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    // Or each piece would wait for the last one's acknowledgement.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((client_reads, client_writes), (server_reads, server_writes)) = (client.into_split(), server.into_split());
    let mut cut = weather.clone();
    let heard = AtomicBool::new(false);
    let (asked, answered) = (
        Way {
            number,
            weather: weather.clone(),
            heard: &heard,
            is_answer: false,
        },
        Way {
            number,
            weather,
            heard: &heard,
            is_answer: true,
        },
    );
    tokio::select! {
        () = asked.pass(client_reads, server_writes) => {}
        () = answered.pass(server_reads, client_writes) => {}
        _ = cut.wait_for(|weather| number < weather.cut_below) => {}
    }
}

/// One direction of a connection.
struct Way<'a> {
    number: usize,
    weather: watch::Receiver<Weather>,
    /// The last words were said: nothing is answered any more.
    heard: &'a AtomicBool,
    is_answer: bool,
}

impl Way<'_> {
    /// Passes on what comes, until either side ends or the last words were said.
    async fn pass(mut self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let mut piece = vec![0; 64 * 1024];
        let mut has_said = false;
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let passes = |weather: &Weather| !weather.silent && self.number >= weather.silent_below;
            let Ok(now) = self.weather.wait_for(passes).await.map(|now| now.clone()) else {
                return;
            };
            tokio::time::sleep(now.delay).await;
            let said = |words: &[u8]| piece[..length].windows(words.len()).any(|part| part == words);
            has_said |= now.said_before.is_some_and(said);
            let may_be_last = !self.is_answer && (has_said || now.said_before.is_none());
            let is_last = may_be_last && now.last_words.is_some_and(said);
            if is_last {
                self.heard.store(true, Ordering::Relaxed);
            }
            if self.is_answer && self.heard.load(Ordering::Relaxed) {
                continue;
            }
            if to.write_all(&piece[..length]).await.is_err() {
                return;
            }
            if is_last {
                tokio::time::sleep(LAST_WORDS).await;
                return;
            }
        }
    }
}
