//! HTTP/1 connections within bounds, so that nobody holds the service by holding sockets (security.md 64). HTTP/2 is not
//! spoken: no proxy needs it on this side, and one connection of it would carry any number of requests.

use crate::{
    config::HttpConfig,
    patience::{Handling, Impatient},
    serve::stopped,
};
use edge::Seldom;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, setrlimit},
};
use poem::{
    Addr, Endpoint, EndpointExt as _, Response,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// What one connection reads ahead or holds back of an answer; no browser's headers come near.
const BUFFER_BYTES: usize = 32 * 1024;
/// Descriptors that are no connections of this listener: the database's, files, the admin's.
const OTHER_DESCRIPTORS: u64 = 128;
/// How often a trouble of many connections is written to the log.
const SELDOM: Duration = Duration::from_secs(10);
/// Before the next try where no descriptor was left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until told to stop; then what is under way has `http.drain_seconds` to finish.
pub async fn listen<E: Endpoint + 'static>(
    listener: TcpListener,
    endpoint: E,
    http: &HttpConfig,
    stop: watch::Receiver<bool>,
) -> io::Result<()> {
    make_room(http.connections);
    let server = Arc::new(Server {
        endpoint: endpoint.map_to_response(),
        local: listener.local_addr()?,
        header: Duration::from_secs(http.header_seconds),
        idle: Duration::from_secs(http.idle_seconds),
    });
    let mut door = Door::new(listener, http);
    let mut connections = JoinSet::new();
    while let Some((stream, peer, place)) = door.next(&stop).await {
        while connections.try_join_next().is_some() {}
        let (server, stop) = (Arc::clone(&server), stop.clone());
        connections.spawn(async move {
            server.serve(stream, peer, stop).await;
            drop(place);
        });
    }
    drop(door);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(http.drain_seconds), all)
        .await
        .is_err()
    {
        tracing::warn!("connections are cut: they did not end in time");
    }
    Ok(())
}

/// Lets the process have as many descriptors as its connections need, where it may.
fn make_room(connections: usize) {
    let needed = u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHER_DESCRIPTORS);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    if soft >= needed {
        return;
    }
    let raised = needed.min(hard);
    if setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_err() || raised < needed {
        tracing::warn!(
            needed,
            allowed = soft.max(raised),
            "fewer descriptors than http.connections needs: raise the limit (ulimit -n) or lower the setting"
        );
    }
}

/// What every connection needs.
struct Server<E> {
    endpoint: E,
    local: SocketAddr,
    header: Duration,
    idle: Duration,
}

impl<E: Endpoint<Output = Response>> Server<E> {
    async fn serve(&self, stream: TcpStream, peer: SocketAddr, stop: watch::Receiver<bool>) {
        let handling = Arc::new(Handling::default());
        let stream = Impatient::new(stream, self.header, self.idle, Arc::clone(&handling));
        let service = service_fn(|request: Request<Incoming>| {
            let handling = Arc::clone(&handling);
            async move {
                handling.begin();
                let (local, remote) = (Addr::SocketAddr(self.local), Addr::SocketAddr(peer));
                let request = (request, LocalAddr(local), RemoteAddr(remote), Scheme::HTTP).into();
                let response = self.endpoint.get_response(request).await;
                handling.end();
                Ok::<hyper::Response<_>, Infallible>(response.into())
            }
        });
        let connection = http1::Builder::new()
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        // How a connection ends is its other side's affair.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = stopped(stop) => {}
        }
        connection.as_mut().graceful_shutdown();
        drop(connection.await);
    }
}

/// Lets connections in while there is room for them.
struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    peers: Peers,
    trusted: Vec<IpNet>,
    full: Seldom,
    crowd: Seldom,
    exhausted: Seldom,
}

/// A connection's place, in all and at its address; free again when dropped.
type Place = (tokio::sync::OwnedSemaphorePermit, Option<Held>);

impl Door {
    fn new(listener: TcpListener, http: &HttpConfig) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(http.connections)),
            peers: Peers {
                most: http.connections_per_address,
                held: Arc::default(),
            },
            trusted: http.trusted_proxies.clone(),
            full: Seldom::every(SELDOM),
            crowd: Seldom::every(SELDOM),
            exhausted: Seldom::every(SELDOM),
        }
    }

    /// The next connection that there is room for; `None` once told to stop. Whoever comes while all places are taken
    /// waits in the system's queue; whoever's address has too many is shown out.
    async fn next(&mut self, stop: &watch::Receiver<bool>) -> Option<(TcpStream, SocketAddr, Place)> {
        if self.places.available_permits() == 0
            && let Some(times) = self.full.pass()
        {
            tracing::warn!(times, "all of http.connections are taken; new ones wait");
        }
        tokio::select! {
            () = stopped(stop.clone()) => None,
            let_in = self.let_in() => let_in,
        }
    }

    async fn let_in(&mut self) -> Option<(TcpStream, SocketAddr, Place)> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.failed(&error).await;
                    continue;
                }
            };
            let address = peer.ip().to_canonical();
            let at_address = if self.trusted.iter().any(|network| network.contains(&address)) {
                None
            } else if let Some(held) = self.peers.take(address) {
                Some(held)
            } else {
                metrics::counter!("connections_refused_total").increment(1);
                if let Some(times) = self.crowd.pass() {
                    tracing::warn!(
                        times,
                        "an address has as many connections as http.connections_per_address allows"
                    );
                }
                continue;
            };
            // Answers leave whole; there is nothing to wait for.
            drop(stream.set_nodelay(true));
            return Some((stream, peer, (place, at_address)));
        }
    }

    /// A connection that was gone before it was let in is nothing; a machine that has no descriptor left is.
    async fn failed(&self, error: &io::Error) {
        let exhausted = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
        let code = error.raw_os_error().map(Errno::from_raw);
        if !code.is_some_and(|code| exhausted.contains(&code)) {
            return;
        }
        if let Some(times) = self.exhausted.pass() {
            tracing::error!(%error, times, "no connection can be accepted");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What of IPv6 is counted, and how many times what an address may: whoever holds a /48 has as many /64 as they like
/// (the rules of `accounts` count so as well).
const PREFIXES: [(u8, usize); 3] = [(64, 1), (56, 2), (48, 4)];

/// How many connections each peer has: an IPv4 address, or of IPv6 the /64 that one household has and what it lies in.
struct Peers {
    most: usize,
    held: Arc<Mutex<HashMap<IpNet, usize>>>,
}

impl Peers {
    fn take(&self, address: IpAddr) -> Option<Held> {
        let networks = networks(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = |(network, times): &(IpNet, usize)| {
            let count = held.get(network).copied().unwrap_or_default();
            count < self.most.saturating_mul(*times)
        };
        if !networks.iter().all(has_room) {
            return None;
        }
        for (network, _) in &networks {
            *held.entry(*network).or_default() += 1;
        }
        Some(Held {
            address,
            held: Arc::clone(&self.held),
        })
    }
}

/// The networks that an address is counted on, each with how many times what an address may it may.
fn networks(address: IpAddr) -> Vec<(IpNet, usize)> {
    match address {
        IpAddr::V4(_) => vec![(address.into(), 1)],
        IpAddr::V6(_) => PREFIXES
            .iter()
            .filter_map(|(prefix, times)| Some((IpNet::new(address, *prefix).ok()?.trunc(), *times)))
            .collect(),
    }
}

/// One connection of an address.
struct Held {
    address: IpAddr,
    held: Arc<Mutex<HashMap<IpNet, usize>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for (network, _) in networks(self.address) {
            if let Some(count) = held.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    held.remove(&network);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_nothing_is_kept_of_it_afterwards() {
        let peers = Peers {
            most: 2,
            held: Arc::default(),
        };
        let take = |address: &str| peers.take(address.parse().unwrap());
        let (first, second) = (take("192.0.2.1"), take("192.0.2.1"));
        assert!(first.is_some() && second.is_some() && take("192.0.2.1").is_none());
        assert!(take("192.0.2.2").is_some(), "another address has its own");
        drop(first);
        assert!(take("192.0.2.1").is_some());
        drop(second);
        let sixes = (take("2001:db8::1"), take("2001:db8::ffff:1"));
        assert!(sixes.0.is_some() && sixes.1.is_some() && take("2001:db8::2").is_none());
        assert!(take("2001:db8:0:1::1").is_some());
        drop(sixes);
        assert!(peers.held.lock().unwrap().is_empty());
    }

    // security.md 64
    #[test]
    fn whoever_holds_a_large_network_of_ipv6_has_no_more_connections_for_each_64_of_it() {
        let peers = Peers {
            most: 2,
            held: Arc::default(),
        };
        let take = |address: String| peers.take(address.parse().unwrap());
        let of_a_56: Vec<_> = (0..256).filter_map(|n| take(format!("2001:db8:1:{n:x}::1"))).collect();
        assert_eq!(of_a_56.len(), 4);
        let of_a_48: Vec<_> = (0..256)
            .filter_map(|n| take(format!("2001:db8:1:{n:x}00::1")))
            .collect();
        assert_eq!(of_a_56.len() + of_a_48.len(), 8);
        assert!(take("2001:db8:2::1".to_owned()).is_some(), "another has its own");
        drop((of_a_56, of_a_48));
        assert!(peers.held.lock().unwrap().is_empty(), "refused ones leave nothing");
    }
}
