//! The mail lane on a campaign day. One insurer has posted fifty thousand notices; meanwhile a code of that insurer, and a
//! notice of another, are posted now and then, and timed from their commit until the relay has them. The relay is played
//! here: each mail takes it a tenth of a second, which waiting for a real one costs as well.

use crate::{
    alternate::quantile,
    report::Row,
    stage::{Failed, INSURER, Stage},
};
use chrono::{DateTime, Utc};
use database::{Database, Durability, cluster::DATABASE};
use jobs::{Worker, due::Rank};
use kernel::{Clock, EmailAddress, InsurerCode, Keys, TenantId};
use mail::{Letter, Mailbox, Message, Postman, Registry, Sender, Transport};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

const NOTICES: usize = 50_000;
/// Posted in one transaction.
const BATCH: usize = 500;
const CONNECTIONS: usize = 16;
/// Of these, those that notices may use.
const FOR_NOTICES: usize = CONNECTIONS - CONNECTIONS / 4;
const DIALOGUE: Duration = Duration::from_millis(100);
const SAMPLES: usize = 20;
/// Longer than any sample may take.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Serialize, Deserialize)]
struct Notice;
#[derive(Serialize, Deserialize)]
struct Code;

macro_rules! message {
    ($name:ident, $template:literal, $rank:expr) => {
        impl Message for $name {
            const TEMPLATE: &'static str = $template;
            const RANK: Rank = $rank;
            fn subject(&self) -> String {
                "お知らせ".into()
            }
            fn text(&self) -> String {
                "お知らせがあります。\n".into()
            }
            fn html(&self) -> String {
                "<p>お知らせがあります。</p>".into()
            }
        }
    };
}
message!(Notice, "bench_notice", Rank::Bulk);
message!(Code, "bench_code", Rank::Awaited);

/// Seconds until a code and a neighbour's notice leave, and how busy the connections are.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    stage.runtime.block_on(lane(stage))
}

async fn lane(stage: &Stage) -> Result<Vec<Row>, Failed> {
    let app = stage.app(DATABASE, Transport::Mailbox(Mailbox::new())).await?;
    let database: Database = app.ground.database.clone();
    let post = Post {
        database: database.clone(),
        keys: app.ground.keys.clone(),
        clock: app.ground.clock.clone(),
    };
    let code = InsurerCode::parse(INSURER).map_err(|_| Failed(format!("{INSURER}: no code")))?;
    let insurer = app.ground.directory.by_code(&code).await.map_err(Failed::at(INSURER))?;
    let busy = insurer
        .ok_or_else(|| Failed(format!("{INSURER}: not applied")))?
        .tenant_id;
    let other = TenantId::PLATFORM;
    eprintln!("mail lane: posting {NOTICES} notices");
    for begin in (0..NOTICES).step_by(BATCH) {
        let to: Vec<String> = (begin..begin + BATCH)
            .map(|number| format!("notice-{number}"))
            .collect();
        post.post(busy, &to, &Notice).await?;
    }
    let mut relay = Relay::listen().await?;
    let transport = Transport::smtp(&relay.url, CONNECTIONS).map_err(Failed::at("mail"))?;
    let registry = Registry::new().with::<Notice>().with::<Code>();
    let (keys, clock) = (post.keys.clone(), post.clock.clone());
    let postman = Postman::new(database.clone(), keys, clock.clone(), registry, transport, CONNECTIONS);
    let worker = Worker::new(database.clone(), clock).serving(postman);
    let (stop, stopped) = watch::channel(false);
    let ringing = database.clone();
    let ring = tokio::spawn(async move { jobs::ring(&ringing).await });
    let work = tokio::spawn(async move { worker.run(stopped, Duration::from_secs(10)).await });

    let begun = Instant::now();
    let (mut codes, mut neighbours) = (Vec::new(), Vec::new());
    for number in 0..SAMPLES {
        tokio::time::sleep(Duration::from_millis(500)).await;
        codes.push(relay.time(&post, busy, &format!("code-{number}"), &Code).await?);
        neighbours.push(
            relay
                .time(&post, other, &format!("neighbour-{number}"), &Notice)
                .await?,
        );
    }
    let seconds = begun.elapsed().as_secs_f64();
    let notices = relay.seen.keys().filter(|to| to.starts_with("notice-")).count();
    stop.send_replace(true);
    ring.abort();
    let _ = work.await;
    database.close();
    let rate = count(notices) / seconds;
    eprintln!("  {rate:.0} notices/s on {FOR_NOTICES} connections, {notices} in {seconds:.0} s");
    Ok(vec![
        Row::at_most("mail.code_s", quantile(&mut codes, 1.0), 2.0),
        Row::at_most("mail.neighbour_s", quantile(&mut neighbours, 1.0), 2.0),
        Row::at_least("mail.lane", rate * DIALOGUE.as_secs_f64() / count(FOR_NOTICES), 0.7),
    ])
}

/// Writes mails as a use case does.
struct Post {
    database: Database,
    keys: Keys,
    clock: Clock,
}

impl Post {
    async fn post<M: Message>(&self, tenant: TenantId, to: &[String], message: &M) -> Result<(), Failed> {
        let outage = Failed::at::<database::DatabaseError>;
        let now: DateTime<Utc> = self.clock.now();
        let mut tx = self
            .database
            .tenant(tenant)
            .write(Durability::Safe)
            .await
            .map_err(outage("posting"))?;
        for to in to {
            let address = |text: String| EmailAddress::parse(&text).map_err(|_| Failed(format!("{text}: no address")));
            let letter = Letter {
                sender: Sender {
                    name: "健康保険組合".into(),
                    address: address("kenpo@madoguchi.example".into())?,
                },
                to: address(format!("{to}@example.jp"))?,
                subject_id: None,
                expires_at: None,
                message,
            };
            mail::post(&mut tx, &self.keys, now, letter)
                .await
                .map_err(outage("posting"))?;
        }
        tx.commit().await.map_err(outage("posting"))
    }
}

/// A mail server that takes everything, slowly, and tells when.
struct Relay {
    url: String,
    received: mpsc::UnboundedReceiver<String>,
    /// Who got a mail so far, and how many: one each.
    seen: HashMap<String, usize>,
}

impl Relay {
    async fn listen() -> Result<Self, Failed> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(Failed::at("the relay"))?;
        let address = listener.local_addr().map_err(Failed::at("the relay"))?;
        let (tell, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(dialogue(stream, tell.clone()));
            }
        });
        Ok(Self {
            url: format!("smtp://{address}"),
            received,
            seen: HashMap::new(),
        })
    }

    /// Posts a mail; the seconds until it is here.
    async fn time<M: Message>(&mut self, post: &Post, tenant: TenantId, to: &str, message: &M) -> Result<f64, Failed> {
        post.post(tenant, &[to.to_owned()], message).await?;
        let posted = Instant::now();
        while !self.seen.contains_key(to) {
            let received = tokio::time::timeout(PATIENCE, self.received.recv()).await;
            let received = received.map_err(|_| Failed(format!("{to} did not leave")))?;
            *self.seen.entry(received.unwrap_or_default()).or_default() += 1;
            if posted.elapsed() > PATIENCE {
                return Err(Failed(format!("{to} did not leave")));
            }
        }
        Ok(posted.elapsed().as_secs_f64())
    }
}

/// As much of SMTP as a mail needs; tells the local part of each mail's recipient.
async fn dialogue(stream: TcpStream, tell: mpsc::UnboundedSender<String>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 relay\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "RCPT" => {
                let address = line.split_once('<').and_then(|(_, rest)| rest.split_once('@'));
                to = address.map(|(local, _)| local.to_owned()).unwrap_or_default();
                b"250 OK\r\n"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                while lines.next_line().await?.is_some_and(|line| line != ".") {}
                tokio::time::sleep(DIALOGUE).await;
                let _ = tell.send(to.clone());
                b"250 OK\r\n"
            }
            "QUIT" => return write.write_all(b"221 bye\r\n").await,
            _ => b"250 OK\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
fn count(number: usize) -> f64 {
    number as f64
}
