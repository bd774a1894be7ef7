//! お知らせ at the desk: writing one, publishing it to those whom it is for and to nobody else, and taking it from them again.

mod drafts;
mod folder;
mod groups;
mod mail;
mod publishing;

use super::approvals;
use access::Role;
use testkit::{Answer, Client, TestApp, TestClerk, TestPerson};

const LIST: &str = "/console/notices";
const NEW: &str = "/console/notices/new";
const TITLE: &str = "人間ドックのご案内";

/// What a form of a draft to everybody sends, with more or other fields.
fn form<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("title", TITLE),
        ("body", "**12月25日**までにお申し込みください。"),
        ("aim", "everybody"),
    ];
    let kept = usual
        .into_iter()
        .filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more.iter().copied()).collect()
}

/// Writes a draft; its address.
pub(super) async fn write(clerk: &TestClerk, more: &[(&str, &str)]) -> String {
    let answer = clerk.post(NEW, &form(more)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.location().to_owned()
}

pub(super) async fn publish(clerk: &TestClerk, draft: &str) -> Answer {
    let version = version(clerk, &format!("{draft}/publish")).await;
    clerk.post(&format!("{draft}/publish"), &[("version", &version)]).await
}

/// Sends the form of a draft's first version whose page offers none, as where it was shown before the roster changed.
async fn publish_to_nobody(clerk: &TestClerk, draft: &str) -> Answer {
    clerk.post(&format!("{draft}/publish"), &[("version", "1")]).await
}

/// Writes and publishes; the address.
async fn published(clerk: &TestClerk, more: &[(&str, &str)]) -> String {
    let draft = write(clerk, more).await;
    assert_eq!(publish(clerk, &draft).await.status, 303);
    draft
}

/// What the page's form was shown with.
async fn version(clerk: &TestClerk, page: &str) -> String {
    let page = clerk.get(page).await;
    let after = page.text.split("name=\"version\" value=\"").nth(1);
    after.map_or_else(String::new, |rest| rest.split('"').next().unwrap().to_owned())
}

/// Where a member reads it.
fn read_at(notice: &str) -> String {
    notice.replace("/console/", "/portal/")
}

async fn sees(member: &Client, notice: &str) -> bool {
    let listed = member.get("/portal/notices").await.text.contains(&read_at(notice));
    let my_page = member.get("/portal/mypage").await.text.contains(&read_at(notice));
    let opened = member.get(&read_at(notice)).await.status;
    assert_eq!(listed, opened == 200, "{opened}");
    // The my page shows the newest alone.
    assert!(listed || !my_page);
    listed
}

pub(super) async fn person(app: &TestApp, number: u32, branch: &str) -> String {
    let query =
        format!("SELECT person_id::text AS line FROM persons WHERE number = '{number}' AND branch = '{branch}'");
    app.insurer.lines(&query).await.remove(0)
}

pub(super) async fn protect(app: &TestApp, subject: &str) {
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let fields = [("subject", subject), ("person", subject), ("reason", "事情")];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
}

fn child(number: u32) -> TestPerson {
    TestPerson {
        branch: "01".into(),
        relationship: "子".into(),
        kana_name: "ケンポ　コ".into(),
        name: "健保　子".into(),
        birth_date: "2015-04-01".into(),
        ..TestPerson::new(number)
    }
}

async fn trail(app: &TestApp, action: &str) -> usize {
    let lines = format!("action = '{action}' AND actor_kind = 'staff'");
    app.insurer.count("audit_events", &lines).await
}
