//! What an insurer's core system does, by the client that progenitor makes of openapi/v1.json.

#[allow(
    clippy::all,
    dead_code,
    unused_imports,
    reason = "what progenitor makes is not ours, and not all of it is used"
)]
mod client {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

use client::{Client, types};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use std::{collections::BTreeMap, collections::BTreeSet, env, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);

type Failed = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let base = env::var("BASE")?;
    let form = types::TokenForm::builder()
        .grant_type("client_credentials")
        .client_id(Some(env::var("CLIENT_ID")?.parse()?))
        .client_secret(Some(env::var("CLIENT_SECRET")?.parse()?));
    let token = Client::new(&base).create_token().body(form).send().await?.into_inner().access_token;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}"))?);
    let http = reqwest::Client::builder().default_headers(headers).build()?;
    let client = Client::new_with_client(&base, http);

    let receiver = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/", receiver.local_addr()?);
    let wish = types::WebhookWish::builder()
        .url(url)
        .events(["import.finished", "notice.published"].map(|kind| kind.parse().unwrap()).to_vec());
    let webhook = client.create_webhook().body(wish).send().await?.into_inner();
    let webhook = Webhook::new(&webhook.secret.ok_or("no secret")?)?;

    let begun = client
        .import_roster()
        .format(types::ImportRosterFormat::Csv)
        .mode(types::ImportRosterMode::Delta)
        .idempotency_key(Uuid::new_v4().to_string())
        .body(env::var("ROSTER")?)
        .send()
        .await?
        .into_inner();
    let import = loop {
        let at = client.get_roster_import().id(begun.id).send().await?.into_inner();
        match at.state.as_str() {
            "finished" => break at,
            "comparing" | "running" => sleep(Duration::from_millis(200)).await,
            state => return Err(format!("the import is {state}").into()),
        }
    };

    let (mut people, mut cursor) = (BTreeSet::new(), None::<String>);
    loop {
        let mut list = client.list_members().limit(5);
        if let Some(cursor) = cursor.take() {
            list = list.cursor(cursor);
        }
        let page = list.send().await?.into_inner();
        people.extend(page.members.into_iter().map(|member| member.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }

    let draft = types::NoticeDraft::builder().title("連携のお知らせ").body("本文です。");
    let key = Uuid::new_v4().to_string();
    let draft = client.draft_notice().idempotency_key(key).body(draft).send().await?.into_inner();
    client.publish_notice().id(draft.id).if_match("*").send().await?;

    let mut told = BTreeMap::new();
    while told.len() < 2 {
        let (stream, _) = timeout(PATIENCE, receiver.accept()).await??;
        let (body, headers) = message(stream).await?;
        webhook.verify(body.as_bytes(), &headers)?;
        assert!(webhook.verify(format!("{body} ").as_bytes(), &headers).is_err(), "a body that was changed is taken");
        let event: Value = serde_json::from_str(&body)?;
        told.insert(event["type"].to_string(), event["data"]["subject"]["id"].clone());
    }

    let told: BTreeMap<_, _> = told.into_iter().map(|(kind, id)| (kind.trim_matches('"').to_owned(), id)).collect();
    let new = import.difference.map(|difference| difference.new);
    println!("{}", json!({ "people": people.len(), "notice": draft.id, "new": new, "told": told }));
    Ok(())
}

/// What was posted on a connection, which is answered and closed.
async fn message(mut stream: TcpStream) -> Result<(String, HeaderMap), Failed> {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await?;
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut headers = HeaderMap::new();
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        let length = headers.get("content-length").ok_or("no length")?.to_str()?.parse::<usize>()?;
        if body.len() >= length {
            let body = body.to_owned();
            stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await?;
            return Ok((body, headers));
        }
    }
}
