//! Staff who came by an invitation, as all do.

use access::Role;
use audit::Origin;
use kernel::{Outcome, TenantSecret};
use staff::{By, Clerk, Grant, Invitation, Invited};
use testkit::{Answer, Client, TestApp, sql, unique};

/// Of everybody who accepted here.
pub(super) const PASSWORD: &str = "asagao-no-niwa-2026";
pub(super) const FACTOR: &str = "/console/login/factor";
pub(super) const WRONG: &str = "himawari-no-niwa-1";

/// An address that nobody else has.
pub(super) fn mail() -> String {
    format!("{}@example.jp", unique("clerk"))
}

/// Invites somebody to the app's insurer, as the operator does.
pub(super) async fn invite(app: &TestApp, email: &str, role: Role) -> Outcome<Invited> {
    let invitation = Invitation {
        email: email.into(),
        name: "事務 一郎".into(),
        grants: vec![Grant::all(role)],
    };
    let by = By::Operator(app.tenant());
    app.staff.invite(&Origin::command(), by, &invitation).await.unwrap()
}

/// Path and query of the newest link mailed to somebody.
pub(super) async fn link(app: &TestApp, email: &str) -> String {
    let mails = app.mails_to(email).await;
    let mail = mails.iter().find(|mail| mail.text.contains("token=")).unwrap();
    let (_, rest) = mail.text.split_once(&app.url).unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

pub(super) fn token(link: &str) -> &str {
    link.split_once("token=").unwrap().1
}

pub(super) async fn accept(client: &Client, link: &str, password: &str) -> Answer {
    let fields = [("token", token(link)), ("name", "事務 一郎"), ("password", password)];
    client.post("/console/invitation", &fields).await
}

/// A client that was invited and has accepted: its second factor is still to be proven.
pub(super) async fn accepted(app: &TestApp, email: &str, role: Role) -> Client {
    assert!(matches!(invite(app, email, role).await, Outcome::Done(_)));
    let client = app.client();
    let answer = accept(&client, &link(app, email).await, PASSWORD).await;
    crate::portal::leads(&answer, FACTOR);
    client
}

/// Who a client is, as if it had just proven its second factor.
pub(super) async fn inside(app: &TestApp, client: &Client) -> Clerk {
    sql(app.tenant(), "UPDATE sessions SET proved_at = last_seen_at").await;
    clerk(app, client).await.unwrap()
}

/// Who a client is; none where its session has ended.
pub(super) async fn clerk(app: &TestApp, client: &Client) -> Option<Clerk> {
    let session = TenantSecret::parse(&client.cookie("__Host-console")?)?;
    match app.staff.enter(&session).await.unwrap() {
        Outcome::Done(clerk) => Some(clerk),
        Outcome::Refused(_) => None,
    }
}

pub(super) async fn log_in(app: &TestApp, client: &Client, email: &str, password: &str) -> Answer {
    let fields = [
        ("insurer_code", app.insurer.code.as_str()),
        ("email", email),
        ("password", password),
    ];
    client.post("/console/login", &fields).await
}
