//! The listener under somebody who opens sockets and dawdles: it holds, and whoever asks properly is served
//! (security.md 64).

use super::{Installation, Node, binary};
use std::time::{Duration, Instant};
use testkit::Client;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
};

/// What begins a connection of HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HALF: &[u8] = b"GET /portal/ HTTP/1.1\r\nHost: localhost\r\nX-Half: ";

async fn node(settings: &[(&str, &str)]) -> (Installation, Node) {
    let installation = Installation::ready().await;
    let mut command = installation.command(&["serve", "--no-worker"]);
    for (name, value) in settings {
        command.env(format!("MADOGUCHI__HTTP__{name}"), value);
    }
    let node = Node::start(command).await;
    (installation, node)
}

async fn connect(node: &Node) -> TcpStream {
    let address = node.url.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

async fn half_sent(node: &Node) -> TcpStream {
    let mut stream = connect(node).await;
    stream.write_all(HALF).await.unwrap();
    stream
}

/// A request that has all but the rest of its body.
async fn half_a_body(node: &Node, path: &str) -> TcpStream {
    let kind = match path {
        "/portal/" => "application/x-www-form-urlencoded",
        "/csp-reports" => "application/reports+json",
        _ => "application/json",
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: {kind}\r\n\
         Content-Length: 100\r\n\r\na"
    );
    let mut stream = connect(node).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// All that comes until the other side closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    drop(read.expect("it is closed in time"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An honest visitor is answered, and soon.
async fn is_served(node: &Node) -> bool {
    let client = Client::new(&node.url, "192.0.2.7");
    let asked = tokio::time::timeout(Duration::from_secs(5), client.get("/portal/")).await;
    asked.is_ok_and(|answer| answer.status == 200)
}

// security.md 64
#[tokio::test]
async fn http_2_is_not_spoken_and_http_1_is_as_ever() {
    let (_installation, node) = node(&[]).await;
    let mut stream = connect(&node).await;
    stream.write_all(PREFACE).await.unwrap();
    let said = rest(stream).await;
    assert!(!said.contains('\0'), "no frame comes back: {said:?}");
    assert!(is_served(&node).await);
}

// security.md 64
#[tokio::test]
async fn requests_half_sent_are_given_up_in_time_and_hold_nobody_else() {
    let (_installation, node) = node(&[("HEADER_SECONDS", "2"), ("CONNECTIONS_PER_ADDRESS", "2000")]).await;
    let mut held = Vec::new();
    for _ in 0..1_100 {
        held.push(half_sent(&node).await);
    }
    assert!(is_served(&node).await, "beside them");
    let (begun, mut trickle) = (Instant::now(), held.pop().unwrap());
    let trickled = async {
        while trickle.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), trickled)
        .await
        .expect("however it trickles");
    assert!(begun.elapsed() < Duration::from_secs(8));
    for stream in held {
        rest(stream).await;
    }
}

// security.md 64
#[tokio::test]
async fn a_body_that_never_comes_is_given_up_too() {
    let (_installation, node) = node(&[("BODY_SECONDS", "1")]).await;
    for path in ["/portal/", "/api/v1/sessions", "/csp-reports"] {
        let stream = half_a_body(&node, path).await;
        let said = rest(stream).await;
        assert!(said.starts_with("HTTP/1.1 4"), "{path}: {said}");
    }
}

// security.md 64
#[tokio::test]
async fn bodies_half_sent_hold_nobody_else() {
    let (_installation, node) = node(&[("REQUESTS", "4")]).await;
    let mut held = Vec::new();
    for path in ["/portal/", "/api/v1/sessions", "/csp-reports", "/nowhere"] {
        for _ in 0..4 {
            held.push(half_a_body(&node, path).await);
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(is_served(&node).await);
}

// security.md 64
#[tokio::test]
async fn an_address_has_so_many_connections_and_a_trusted_proxy_as_many_as_there_are() {
    let few = ("CONNECTIONS_PER_ADDRESS", "3");
    let (_installation, crowded) = node(&[few]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(half_sent(&crowded).await);
    }
    let fourth = half_sent(&crowded).await;
    assert_eq!(rest(fourth).await, "", "it is shown out");
    held.pop();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(is_served(&crowded).await);
    assert!(crowded.log.lock().unwrap().contains("http.connections_per_address"));

    let (_installation, proxied) = node(&[few, ("TRUSTED_PROXIES", "127.0.0.1/32")]).await;
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(half_sent(&proxied).await);
    }
    assert!(is_served(&proxied).await);
}

// security.md 64
#[tokio::test]
async fn where_all_connections_are_taken_the_next_waits_for_the_first_to_go() {
    let (_installation, node) = node(&[("CONNECTIONS", "4"), ("HEADER_SECONDS", "2")]).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(half_sent(&node).await);
    }
    assert!(is_served(&node).await, "once a half-sent request is given up");
    assert!(node.log.lock().unwrap().contains("all of http.connections are taken"));
}

// security.md 64
#[tokio::test]
async fn running_out_of_descriptors_is_an_error_line_and_passes() {
    let installation = Installation::ready().await;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -n 64; exec \"$0\" serve --no-worker"])
        .arg(binary());
    let node = Node::start(installation.equipped(shell)).await;
    let mut held = Vec::new();
    for _ in 0..80 {
        held.push(half_sent(&node).await);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let log = node.log.lock().unwrap().clone();
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("\"ERROR\"")).collect();
    assert!(
        matches!(errors[..], [line] if line.contains("no connection can be accepted")),
        "{errors:?}"
    );
    assert!(
        log.contains("fewer descriptors than http.connections needs"),
        "said at the start"
    );
    drop(held);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(is_served(&node).await);
}
