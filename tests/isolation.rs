//! Two insurers on one database: nothing of one exists for the other, by any table and any route. The lists of tables
//! and routes come from the catalogue and the route tables, so a new one without a case fails here.

mod api;
mod portal;
mod tables;

use audit::{Actor, Origin};
use kernel::{NoticeId, PersonId};
use notices::{Draft, To};
use tenancy::PartFile;
use testkit::{Client, SignedUp, TestApp, TestDatabase};

/// Stands in everything that belongs to the other insurer.
const MARK: &str = "ヨソノモノ";

/// The other insurer, with a member inside and everything that a member may have.
struct Other {
    app: TestApp,
    client: Client,
    who: SignedUp,
    notice: NoticeId,
    personal: NoticeId,
    /// The id of the member's session.
    session: String,
}

impl Other {
    async fn new() -> Self {
        let mut app = TestApp::with(
            "06139992",
            |folder| {
                folder.settings.name = format!("{MARK}健康保険組合");
                for page in folder.parts.iter_mut().flat_map(|part| &mut part.files) {
                    *page = PartFile::written(&page.slug, &[("title", MARK)], MARK);
                }
            },
            |_| (),
        )
        .await;
        app.person.employee_number = "K-1".into();
        app.person.name = format!("{MARK}　太郎");
        app.insurer.import(std::slice::from_ref(&app.person)).await;
        let (client, who) = app.member().await;
        let person = app.insurer.lines("SELECT person_id::text AS line FROM persons").await;
        let notice = publish(&app, To::All).await;
        let personal = publish(&app, To::Person(PersonId::parse(&person[0]).unwrap())).await;
        let sessions = app.insurer.lines("SELECT session_id::text AS line FROM sessions").await;
        Self {
            app,
            client,
            who,
            notice,
            personal,
            session: sessions[0].clone(),
        }
    }

    fn insurer(&self) -> &TestDatabase {
        &self.app.insurer
    }
}

async fn publish(app: &TestApp, to: To) -> NoticeId {
    let draft = Draft {
        title: format!("{MARK}のお知らせ"),
        body: MARK.into(),
        published_at: app.clock().now(),
        ended_at: None,
    };
    let mut tx = app.write(app.tenant()).await;
    let notices = &app.notices();
    let id = notices
        .publish(&mut tx, &Origin::command(), Actor::System, to, &draft)
        .await;
    tx.commit().await.unwrap();
    id.unwrap()
}

/// A secret with another insurer's number before it.
fn moved(secret: &str, to: &TestApp) -> String {
    let (_, rest) = secret.split_once('.').unwrap();
    format!("{}.{rest}", to.tenant())
}
