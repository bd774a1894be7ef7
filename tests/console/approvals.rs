//! Four eyes: what waits for another, who agrees and who never does, and that what is done is what was shown.

mod agreeing;
mod asking;
mod counting;
mod files;
mod listed;
mod nobody;
mod objects;
mod order;
mod switching;

use crate::portal::says;
use access::Role;
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp, TestClerk, TestPerson};

const APPROVALS: &str = "/console/approvals";
const DAY: i64 = 24 * 3600;
/// What is said where a wish would wait for nobody.
pub(super) const NOBODY: &str = "承認できる職員がほかにいません";

/// An app where these are under four eyes whatever is usual.
pub(crate) async fn app(on: &'static [ApprovalAction]) -> TestApp {
    let change = |folder: &mut tenancy::Folder| {
        for action in on {
            folder.settings.approvals.say(*action, true);
        }
    };
    TestApp::with("139998", change, |_| ()).await
}

/// Clerks who have held their roles for eight days.
pub(super) async fn clerks<const N: usize>(app: &TestApp, roles: &[Role]) -> [TestClerk; N] {
    let mut new = Vec::new();
    for _ in 0..N {
        new.push(app.clerk(roles).await);
    }
    app.later(8 * DAY);
    let mut inside = Vec::new();
    for clerk in &new {
        inside.push(app.in_another_browser(clerk).await);
    }
    inside.try_into().ok().unwrap()
}

/// Where the latest wish is. The next one is asked for later: ids of the same instant stand in no order.
pub(super) async fn wish(app: &TestApp) -> String {
    let query = "SELECT approval_id::text AS line FROM approvals ORDER BY approval_id DESC LIMIT 1";
    let id = app.insurer.lines(query).await.remove(0);
    app.later(1);
    format!("{APPROVALS}/{id}")
}

pub(super) async fn states(app: &TestApp) -> Vec<String> {
    let query = "SELECT state AS line FROM approvals ORDER BY approval_id";
    app.insurer.lines(query).await
}

pub(super) async fn agree(clerk: &TestClerk, wish: &str) -> Answer {
    clerk.post(&format!("{wish}/agree"), &[]).await
}

/// To each of these each of these pages says that the wish waits, and leads to it.
pub(super) async fn told(clerks: &[&TestClerk], pages: &[&str], wish: &str) {
    let said = format!("は、ほかの職員の承認を待っています。<a href=\"{wish}\">");
    for clerk in clerks {
        for page in pages {
            says(&clerk.get(page).await, 200, &said);
        }
    }
}

/// A member of the roster under protection; where it is lifted.
pub(super) async fn protected(app: &TestApp, clerk: &TestClerk) -> String {
    let person = TestPerson {
        name: "健保　祥子".into(),
        ..TestPerson::new(105)
    };
    app.insurer.import(&[person]).await;
    let id = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons")
        .await
        .remove(0);
    let fields = [
        ("subject", id.as_str()),
        ("person", &id),
        ("reason", "支援措置の申し出"),
    ];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    let query = "SELECT protection_id::text AS line FROM protections";
    let protection = app.insurer.lines(query).await.remove(0);
    format!("/console/protections/{protection}/lift")
}

pub(super) async fn in_force(app: &TestApp) -> usize {
    app.insurer.count("protections", "lifted_at IS NULL").await
}

pub(super) async fn ask_to_lift(clerk: &TestClerk, lift: &str) {
    let answer = clerk.post(lift, &[("reason", "本人の申し出")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
}

pub(super) async fn refused_to_lift(clerk: &TestClerk, lift: &str) {
    let answer = clerk.post(lift, &[("reason", "本人の申し出")]).await;
    says(&answer, 409, NOBODY);
}

pub(super) async fn roles(app: &TestApp, clerk: &TestClerk) -> Vec<String> {
    let query = format!(
        "SELECT role AS line FROM staff_roles WHERE staff_id = '{}' ORDER BY role",
        clerk.staff_id.0
    );
    app.insurer.lines(&query).await
}

pub(super) async fn give(boss: &TestClerk, to: &TestClerk, given: &[&str]) -> Answer {
    let page = format!("/console/staff/{}/roles", to.staff_id);
    let text = boss.get(&page).await.text;
    let (_, rest) = text.split_once("name=\"seen\" value=\"").unwrap();
    let mut fields = vec![("seen", rest.split('"').next().unwrap())];
    fields.extend(given.iter().map(|role| ("role", *role)));
    boss.post(&page, &fields).await
}
