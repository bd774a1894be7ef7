//! Events delivered to receivers on this machine by one node: with one of ten receivers that takes a message and never answers,
//! against none. The events are published as modules do, in one transaction a round.

use crate::{
    alternate::{Medians, alternate},
    http::{self, Connection},
    programs::{self, Client},
    report::Row,
    service::Service,
    stage::{Failed, Stage},
};
use database::{Durability, cluster::DATABASE};
use jobs::events::{self, SameEvents};
use kernel::{Clock, TenantId};
use mail::{Mailbox, Transport};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use uuid::Uuid;

const RECEIVERS: usize = 10;
/// Published in a round; each receiver is told of each.
const EVENTS: u32 = 500;
const ROUNDS: usize = 5;
const KIND: &str = "notice.published";
/// Longer than any round may take.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(5);

/// The ratio of the rates.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    stage.members(1)?;
    let receivers = (0..RECEIVERS)
        .map(|_| Receiver::open())
        .collect::<Result<Vec<_>, _>>()?;
    let app = stage
        .runtime
        .block_on(stage.app(DATABASE, Transport::Mailbox(Mailbox::new())))?;
    let service = Service::with(
        stage,
        DATABASE,
        None,
        &[
            ("MADOGUCHI__WEBHOOKS__ALLOW_HTTP", "true"),
            ("MADOGUCHI__WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8"),
        ],
    )?;
    let publish = |tenant: TenantId| {
        stage.runtime.block_on(async {
            let mut tx = app.ground.database.tenant(tenant).write(Durability::Safe).await?;
            let same = SameEvents {
                kind: KIND,
                subjects: (0..EVENTS).map(|_| Uuid::now_v7()).collect(),
                payload: json!({ "audience": "insurer" }),
            };
            events::publish_all(&mut tx, Clock::system().now(), same);
            tx.commit().await
        })
    };
    let round = |hanging: usize| -> Result<f64, Failed> {
        let client = programs::client(stage, DATABASE, &["webhooks.manage", "notices.read"])?;
        subscribe(&service, &client, &receivers)?;
        for (number, receiver) in receivers.iter().enumerate() {
            receiver.hangs.store(number < hanging, Ordering::Relaxed);
            receiver.told.store(0, Ordering::Relaxed);
        }
        let begun = Instant::now();
        publish(client.tenant()?).map_err(Failed::at("events"))?;
        let answering = receivers.get(hanging..).unwrap_or_default();
        while answering
            .iter()
            .any(|receiver| receiver.told.load(Ordering::Relaxed) < EVENTS)
        {
            if begun.elapsed() > PATIENCE {
                return Err(Failed("webhooks don't arrive".into()));
            }
            thread::sleep(LOOK);
        }
        let told: f64 = answering.iter().map(|_| f64::from(EVENTS)).sum();
        let rate = told / begun.elapsed().as_secs_f64();
        // What still waits for the one that hangs is no part of the next round.
        programs::revoke(stage, &client)?;
        Ok(rate)
    };
    let Medians { a, b, ratio } = alternate(ROUNDS, || round(0), || round(1))?;
    eprintln!("webhooks: {b:.0} events/s with one of {RECEIVERS} hanging, {a:.0}/s with none");
    app.ground.database.close();
    Ok(vec![Row::at_least("webhooks", ratio, 0.9)])
}

fn subscribe(service: &Service, client: &Client, receivers: &[Receiver]) -> Result<(), Failed> {
    let mut connection: Connection = service.connect()?;
    let token = programs::token(&mut connection, client)?;
    let header = format!("Authorization: Bearer {token}");
    for receiver in receivers {
        let url = format!("http://127.0.0.1:{}/", receiver.port);
        let body = json!({ "url": url, "events": [KIND] }).to_string();
        let request = http::post("/api/v1/webhooks", &header, "application/json", body.as_bytes());
        programs::json(&mut connection, &request, 201)?;
    }
    Ok(())
}

/// Takes what is posted to it; ends with the process.
struct Receiver {
    port: u16,
    hangs: Arc<AtomicBool>,
    told: Arc<AtomicU32>,
}

impl Receiver {
    fn open() -> Result<Self, Failed> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failed::at("a receiver"))?;
        let port = listener.local_addr().map_err(Failed::at("a receiver"))?.port();
        let (hangs, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let of_thread = (Arc::clone(&hangs), Arc::clone(&told));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (hangs, told) = of_thread.clone();
                thread::spawn(move || take(&stream, &hangs, &told));
            }
        });
        Ok(Self { port, hangs, told })
    }
}

/// Answers each message of a connection, or none from the first one on that is to hang.
fn take(stream: &TcpStream, hangs: &AtomicBool, told: &AtomicU32) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.trim_end().split_once(':');
            if let Some((_, value)) = header.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
                length = value.trim().parse().unwrap_or_default();
            }
            if line == "\r\n" {
                break;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        if hangs.load(Ordering::Relaxed) {
            thread::sleep(PATIENCE);
            return Ok(());
        }
        told.fetch_add(1, Ordering::Relaxed);
        (&mut &*stream).write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}
