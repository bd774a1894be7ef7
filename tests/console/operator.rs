//! The platform's own pages: insurers, planned interruptions, what died, and who runs. Each is tried on a database of its
//! own where it looks over all insurers.

use crate::{operations::Installation, smtp::Smtp};
use access::Role;
use chrono::TimeDelta;
use jobs::{Job, Worker, nodes::Node};
use kernel::{EmailAddress, InsurerCode, NodeId, TenantId};
use mail::{Body, Letter, Mailbox, Message, Postman, Registry, Sender, Transport};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use testkit::{TestApp, TestClerk, execute, service_url, url_of};
use uuid::Uuid;

/// A server with a database that no other test looks at, and an operator.
async fn alone() -> (Installation, TestApp, TestClerk) {
    let installation = Installation::new().await;
    let service = url_of(&service_url(), &installation.database);
    let app = Box::pin(TestApp::on(&installation.owner_url(), &service)).await;
    let operator = app.operator(&[Role::Operator]).await;
    (installation, app, operator)
}

/// What the platform's trail says of these actions.
async fn platform_trail(app: &TestApp, actions: &str) -> Vec<String> {
    let query = format!(
        "SELECT concat_ws(' ', action, actor_kind, actor_id) AS line FROM audit_events
         WHERE tenant_id = 0 AND action LIKE '{actions}' ORDER BY at, audit_id"
    );
    app.insurer.lines_of(TenantId::PLATFORM, &query).await
}

async fn trail(app: &TestApp, actions: &str) -> Vec<String> {
    let query = format!(
        "SELECT concat_ws(' ', action, actor_kind, actor_id) AS line FROM audit_events
         WHERE action LIKE '{actions}' ORDER BY at, audit_id"
    );
    app.insurer.lines(&query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn insurers_are_found_by_code_name_and_kana_and_listed_page_by_page() {
    let (installation, app, operator) = alone().await;
    let mut made = String::new();
    for number in 1..=120 {
        let code = InsurerCode::with_check_digit(&format!("34{number:05}")).unwrap();
        let comma = if number == 1 { "" } else { ", " };
        write!(
            made,
            "{comma}({}, '{code}', '第{number}健保', 'ダイ{number}ケンポ')",
            5_000 + number
        )
        .unwrap();
    }
    let copy = format!(
        "INSERT INTO insurers
         SELECT made.tenant, made.code, made.name, kind, state, revision,
             settings || jsonb_build_object('kana', made.kana), created_at, updated_at, applied_by
         FROM insurers, (VALUES {made}) AS made (tenant, code, name, kana) WHERE tenant_id = {}",
        app.tenant()
    );
    execute(&installation.owner_url(), &copy).await.unwrap();
    let all = operator.get("/operator/").await;
    assert!(all.text.contains("121件あります"), "{}", all.text);
    let mut seen = 0;
    let mut page = all;
    loop {
        seen += page
            .text
            .matches("<th scope=\"row\"><a href=\"/operator/insurers/")
            .count();
        let Some((_, rest)) = page.text.split_once("<p class=\"more\"><a href=\"") else {
            break;
        };
        let path = rest
            .split('"')
            .next()
            .unwrap()
            .replace("&#38;", "&")
            .replace("&amp;", "&");
        page = operator.get(&path).await;
        assert_eq!(page.status, 200);
    }
    assert_eq!(seen, 121);
    for (sought, name) in [
        ("3400007", "第7健保"),
        ("第77", "第77健保"),
        ("だい９９けんぽ", "第99健保"),
        ("ﾀﾞｲ120", "第120健保"),
    ] {
        let found = operator
            .get(&format!("/operator/?q={}", pages::forms::encode(sought)))
            .await;
        assert!(
            found.text.contains("1件あります") && found.text.contains(name),
            "{sought}: {}",
            found.text
        );
    }
    let nobody = operator.get("/operator/?q=%25_%00").await;
    assert_eq!(nobody.status, 200);
    // How it stands: who registered, and when the roster came.
    app.sign_up().await;
    let own = operator.get(&format!("/operator/?q={}", app.insurer.code)).await;
    assert!(own.text.contains("1日未満"), "{}", own.text);
    app.later(3 * 86_400);
    let operator = app.in_another_browser(&operator).await;
    let own = operator.get(&format!("/operator/insurers/{}", app.insurer.code)).await;
    assert!(own.text.contains("3日") && own.text.contains("稼働中"), "{}", own.text);
    // Nothing of its members.
    assert!(
        !own.text.contains(&app.person.name) && !own.text.contains(&app.person.number),
        "{}",
        own.text
    );
}

#[tokio::test]
async fn an_insurer_is_suspended_and_resumed_after_a_second_factor_and_both_trails_say_why() {
    let app = TestApp::start().await;
    let operator = app.operator(&[Role::Operator]).await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let (member, _) = app.member().await;
    let path = format!("/operator/insurers/{}", app.insurer.code);
    let (suspend, resume) = (format!("{path}/suspend"), format!("{path}/resume"));
    let asked = operator.get(&suspend).await;
    assert!(
        asked.status == 200 && asked.text.contains("データは消えません"),
        "{}",
        asked.text
    );
    for why in ["", " ", &"長".repeat(501)] {
        assert_eq!(operator.post(&suspend, &[("why", why)]).await.status, 422, "{why}");
    }
    assert_eq!(member.get("/portal/mypage").await.status, 200);
    let done = operator.post(&suspend, &[("why", "契約の終了")]).await;
    assert_eq!(
        (done.status.as_u16(), done.location()),
        (303, path.as_str()),
        "{}",
        done.text
    );
    app.later(3);
    assert_ne!(member.get("/portal/mypage").await.status, 200);
    assert_ne!(clerk.get("/console/").await.status, 200);
    let shown = operator.get(&path).await;
    assert!(
        shown.text.contains("停止中") && shown.text.contains("再開する"),
        "{}",
        shown.text
    );
    // Twice is once.
    assert_eq!(operator.post(&suspend, &[("why", "もう一度")]).await.status, 303);
    assert_eq!(operator.post(&resume, &[("why", "契約の更新")]).await.status, 303);
    app.later(3);
    assert_eq!(member.get("/portal/mypage").await.status, 200);
    let id = operator.staff_id.0;
    let told = [
        format!("insurer.suspend operator {id}"),
        format!("insurer.resume operator {id}"),
    ];
    let mut lines = trail(&app, "insurer.%").await;
    lines.retain(|line| !line.starts_with("insurer.apply"));
    assert_eq!(lines, told);
    let own = format!("detail->>'insurer' = '{}' AND actor_kind = 'staff'", app.insurer.code);
    let query =
        format!("SELECT detail->>'why' AS line FROM audit_events WHERE tenant_id = 0 AND {own} ORDER BY audit_id");
    let whys = app.insurer.lines_of(TenantId::PLATFORM, &query).await;
    assert_eq!(whys, ["契約の終了", "契約の更新"]);
    // A proof of long ago is none.
    app.later(601);
    for path in [&suspend, &resume] {
        assert!(operator.get(path).await.location().starts_with("/console/prove"));
        let posted = operator.post(path, &[("why", "古い確認")]).await;
        assert!(posted.location().starts_with("/console/prove"), "{}", posted.text);
    }
    assert_eq!(trail(&app, "insurer.%").await.len(), lines.len() + 1);
    let operator = app.in_another_browser(&operator).await;
    let code = InsurerCode::with_check_digit("9912345").unwrap();
    assert_eq!(
        operator.get(&format!("/operator/insurers/{code}/suspend")).await.status,
        404
    );
    assert_eq!(operator.get("/operator/insurers/platform/suspend").await.status, 404);
}

/// From and to, in Japan, so many minutes from the test's beginning.
fn window(app: &TestApp, from: i64, to: i64) -> [(&'static str, String); 2] {
    let at = |minutes| {
        let at = kernel::calendar::in_japan(app.clock().now() + TimeDelta::minutes(minutes));
        at.format("%Y-%m-%dT%H:%M").to_string()
    };
    [("from", at(from)), ("to", at(to))]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_interruption_is_told_to_members_and_staff_before_and_during_it() {
    let (_installation, app, operator) = alone().await;
    let (visitor, (member, _), clerk) = (app.client(), app.member().await, app.clerk(&[Role::Viewer]).await);
    let path = "/operator/maintenance";
    let day = 24 * 60;
    for wrong in [
        [("from", String::new()), ("to", String::new())],
        [("from", "あした".to_owned()), ("to", "2026-13-01 00:00".to_owned())],
        [
            ("from", "99999-01-01 00:00".to_owned()),
            ("to", "-1-01-01 00:00".to_owned()),
        ],
        window(&app, 60, 60),
        window(&app, 60, 30),
        window(&app, -120, -60),
        window(&app, 60, 60 + 32 * day),
    ] {
        let fields = wrong.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(operator.post(path, &fields).await.status, 422, "{wrong:?}");
    }
    let soon = window(&app, 8 * day, 8 * day + 120);
    let fields = [
        (soon[0].0, soon[0].1.as_str()),
        (soon[1].0, soon[1].1.as_str()),
        ("text", "<b>申請</b>は翌日に受け付けます。"),
    ];
    let planned = operator.post(path, &fields).await;
    assert_eq!(
        (planned.status.as_u16(), planned.location()),
        (303, path),
        "{}",
        planned.text
    );
    let told = async |client: &testkit::Client, path: &str| {
        let page = client.get(path).await;
        (
            page.text.contains("メンテナンスを行います"),
            page.text.contains("メンテナンスを行っています"),
        )
    };
    // Eight days before nobody is told; from seven on everybody is, wherever they are.
    app.later(11);
    assert_eq!(told(&visitor, "/portal/").await, (false, false));
    app.later(86_400 + 60);
    let (clerk, operator) = (
        app.in_another_browser(&clerk).await,
        app.in_another_browser(&operator).await,
    );
    assert_eq!(told(&visitor, "/portal/").await, (true, false));
    assert_eq!(told(&visitor, "/portal/nowhere").await, (true, false));
    assert_eq!(told(&visitor, "/console/login").await, (true, false));
    assert_eq!(told(&clerk, "/console/").await, (true, false));
    assert_eq!(told(&operator, "/operator/").await, (true, false));
    let page = visitor.get("/portal/").await;
    assert!(
        page.text.contains("申請") && !page.text.contains("<b>申請"),
        "{}",
        page.text
    );
    let _ = member;
    app.later(7 * 86_400);
    assert_eq!(told(&visitor, "/portal/").await, (false, true));
    app.later(2 * 3600);
    assert_eq!(told(&visitor, "/portal/").await, (false, false));
    // Taken back, by who may, once.
    let operator = app.in_another_browser(&operator).await;
    let ahead = window(&app, 60, 120);
    let fields = ahead.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(operator.post(path, &fields).await.status, 303);
    app.later(11);
    assert_eq!(told(&visitor, "/portal/").await, (true, false));
    let list = operator.get(path).await;
    let cancel = |text: &str| {
        let (_, rest) = text.split_once("action=\"/operator/maintenance/").unwrap();
        format!("/operator/maintenance/{}", rest.split('"').next().unwrap())
    };
    let cancel = cancel(&list.text);
    assert_eq!(operator.press(&cancel).await.status, 303);
    assert_eq!(operator.press(&cancel).await.status, 404);
    app.later(11);
    assert_eq!(told(&visitor, "/portal/").await, (false, false));
    let id = operator.staff_id.0;
    let line = |verb| format!("maintenance.{verb} staff {id}");
    assert_eq!(
        platform_trail(&app, "maintenance.%").await,
        [line("plan"), line("plan"), line("cancel")]
    );
}

/// In the queue of failed identities, and none of them.
#[derive(Serialize, Deserialize)]
struct Unreadable(String);

impl Job for Unreadable {
    const QUEUE: &'static str = "sign_up_attempt";
}

async fn one_dies(app: &TestApp) -> Uuid {
    let mut tx = app.write(app.tenant()).await;
    let now = app.clock().now();
    let secret = Unreadable("健保太郎".into());
    let id = jobs::enqueue(&mut tx, app.keys(), now, now, &secret).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..Unreadable::TRIES {
        app.work().await;
        app.later(7_200);
    }
    id.0
}

async fn queue_of(app: &TestApp, item: Uuid) -> Vec<String> {
    app.insurer
        .lines(&format!("SELECT queue AS line FROM due WHERE item = '{item}'"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_is_out_of_poll_and_age_and_is_tried_again_or_dropped_once() {
    let (_installation, app, operator) = alone().await;
    let id = one_dies(&app).await;
    assert_eq!(queue_of(&app, id).await, ["dead.sign_up_attempt"]);
    let ages = jobs::due::oldest(&app.ground.database, &["sign_up_attempt"], app.clock().now()).await;
    assert_eq!(ages.unwrap(), [("sign_up_attempt".to_owned(), None)]);
    let operator = app.in_another_browser(&operator).await;
    let list = operator.get("/operator/jobs").await;
    assert!(
        list.text.contains("sign_up_attempt") && list.text.contains("payload does not read"),
        "{}",
        list.text
    );
    assert!(!list.text.contains("健保太郎"), "{}", list.text);
    let at = |code: &str, verb: &str| format!("/operator/jobs/{code}/{id}/{verb}");
    let code = app.insurer.code.to_string();
    // Under the platform's name or another's it is not there.
    assert_eq!(operator.press(&at("platform", "retry")).await.status, 409);
    assert_eq!(operator.press(&at("nobody", "retry")).await.status, 404);
    assert_eq!(operator.press(&at(&code, "retry")).await.status, 303);
    assert_eq!(queue_of(&app, id).await, ["sign_up_attempt"]);
    assert_eq!(operator.press(&at(&code, "retry")).await.status, 409);
    assert_eq!(operator.press(&at(&code, "drop")).await.status, 409);
    app.work().await;
    assert_eq!(app.insurer.count("jobs", "attempts = 1 AND dead_at IS NULL").await, 1);
    for _ in 1..Unreadable::TRIES {
        app.later(7_200);
        app.work().await;
    }
    let operator = app.in_another_browser(&operator).await;
    let drop = at(&code, "drop");
    let same = app.in_another_browser(&operator).await;
    let (one, other) = tokio::join!(operator.press(&drop), same.press(&drop));
    let mut both = [one.status.as_u16(), other.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [303, 409]);
    assert!(queue_of(&app, id).await.is_empty());
    assert_eq!(app.insurer.count("jobs", "true").await, 0);
    let (own, staff) = (trail(&app, "job.%").await, platform_trail(&app, "job.%").await);
    let id = operator.staff_id.0;
    assert_eq!(
        own,
        [format!("job.retry operator {id}"), format!("job.drop operator {id}")]
    );
    assert_eq!(staff, [format!("job.retry staff {id}"), format!("job.drop staff {id}")]);
}

// security.md 58
#[tokio::test(flavor = "multi_thread")]
async fn what_died_is_listed_over_all_insurers_until_it_has_served_its_time() {
    let (_installation, app, operator) = alone().await;
    let id = one_dies(&app).await;
    let kept = i64::from(app.retention.dead_job_days) + 1;
    app.later(kept * 86_400);
    let now = app.clock().now();
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), now)
        .await
        .unwrap();
    assert!(queue_of(&app, id).await.is_empty());
    let operator = app.in_another_browser(&operator).await;
    assert!(operator.get("/operator/jobs").await.text.contains("ありません"));
}

#[derive(Serialize, Deserialize)]
struct Plain(String);

impl Message for Plain {
    const TEMPLATE: &'static str = "test.plain";
    fn subject(&self) -> String {
        "お知らせ".into()
    }
    fn text(&self) -> String {
        self.0.clone()
    }
    fn html(&self) -> String {
        Body::new(&self.0).html("お知らせ")
    }
}

#[derive(Serialize, Deserialize)]
struct Code(String);

impl Message for Code {
    const TEMPLATE: &'static str = "test.code";
    const RANK: jobs::due::Rank = jobs::due::Rank::Awaited;
    fn subject(&self) -> String {
        "認証番号".into()
    }
    fn text(&self) -> String {
        self.0.clone()
    }
    fn html(&self) -> String {
        Body::new(&self.0).html("認証番号")
    }
}

fn postman(app: &TestApp, transport: Transport) -> Worker {
    let registry = Registry::new().with::<Plain>().with::<Code>();
    let (database, clock) = (app.ground.database.clone(), app.clock().clone());
    let postman = Postman::new(
        database.clone(),
        app.keys().clone(),
        clock.clone(),
        registry,
        transport,
        4,
    );
    Worker::new(database, clock).serving(postman)
}

async fn post<M: Message>(app: &TestApp, message: &M) -> Uuid {
    let mut tx = app.write(app.tenant()).await;
    let letter = Letter {
        sender: Sender {
            name: "共済".into(),
            address: EmailAddress::parse("kyosai@ibss.example").unwrap(),
        },
        to: EmailAddress::parse("refused@example.jp").unwrap(),
        subject_id: None,
        expires_at: None,
        message,
    };
    let id = mail::post(&mut tx, app.keys(), app.clock().now(), letter)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id.0
}

// security.md 58
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_reached_nobody_is_sent_again_where_it_holds_no_code_and_only_for_a_week() {
    let (_installation, app, operator) = alone().await;
    let server = Smtp::start(&[]).await;
    let refusing = postman(&app, Transport::smtp(&server.url, 4).unwrap());
    let plain = post(&app, &Plain("中身のことば".into())).await;
    let code = post(&app, &Code("611898".into())).await;
    refusing.run_once_for(app.tenant()).await.unwrap();
    assert_eq!(queue_of(&app, plain).await, ["dead.mail"]);
    assert_eq!(queue_of(&app, code).await, ["dead.mail"]);
    assert_eq!(app.insurer.count("mails", "sealed IS NOT NULL").await, 1);
    let list = operator.get("/operator/mails").await;
    assert!(
        list.text.contains("test.plain") && list.text.contains("test.code") && list.text.contains("r***d@ex***.jp"),
        "{}",
        list.text
    );
    for secret in ["refused@", "中身のことば", "611898"] {
        assert!(!list.text.contains(secret), "{}", list.text);
    }
    let send = |id: Uuid| format!("/operator/mails/{}/{id}/send", app.insurer.code);
    assert!(
        list.text.contains(&send(plain)) && !list.text.contains(&send(code)),
        "{}",
        list.text
    );
    assert_eq!(operator.press(&send(code)).await.status, 409);
    assert_eq!(operator.press(&send(plain)).await.status, 303);
    assert_eq!(operator.press(&send(plain)).await.status, 409);
    let mailbox = Mailbox::new();
    postman(&app, Transport::Mailbox(mailbox.clone()))
        .run_once_for(app.tenant())
        .await
        .unwrap();
    assert_eq!(mailbox.mails().len(), 1);
    assert_eq!(app.insurer.count("mails", "sealed IS NOT NULL").await, 0);
    assert_eq!(app.insurer.count("mails", "state = 'sent'").await, 1);
    // A week later it can't be sent any more, and what it said is erased.
    let late = post(&app, &Plain("遅いことば".into())).await;
    refusing.run_once_for(app.tenant()).await.unwrap();
    app.later(7 * 86_400 + 1);
    let operator = app.in_another_browser(&operator).await;
    assert_eq!(operator.press(&send(late)).await.status, 409);
    let now = app.clock().now();
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), now)
        .await
        .unwrap();
    assert_eq!(app.insurer.count("mails", "sealed IS NOT NULL").await, 0);
    assert!(queue_of(&app, late).await.is_empty());
    assert!(operator.get("/operator/mails").await.text.contains("ありません"));
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_are_told_with_version_and_keys_and_a_silent_one_as_such() {
    let (_installation, app, operator) = alone().await;
    let node = |kind: &str, version: &str, key: &str| Node {
        node_id: NodeId::new(app.clock().now()),
        kind: kind.into(),
        version: version.into(),
        migration: database::latest_migration().unwrap(),
        key_ids: vec![key.into()],
        queues: vec!["mail".into()],
        started_at: app.clock().now(),
        seen_at: app.clock().now(),
    };
    let (mut first, second) = (node("serve", "1.2.3", "k1"), node("work", "1.2.3", "k1"));
    for one in [&first, &second] {
        jobs::nodes::beat(&app.ground.database, one).await.unwrap();
    }
    let page = operator.get("/operator/nodes").await;
    assert!(
        page.text.contains("1.2.3") && page.text.contains("待ちなし"),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains("途絶えています") && !page.text.contains("そろっていません"),
        "{}",
        page.text
    );
    app.later(61);
    first.seen_at = app.clock().now();
    jobs::nodes::beat(&app.ground.database, &first).await.unwrap();
    let page = operator.get("/operator/nodes").await;
    assert_eq!(page.text.matches("途絶えています").count(), 1, "{}", page.text);
    // Another version among those that are alive is told; one that ended is not there.
    jobs::nodes::leave(&app.ground.database, second.node_id).await.unwrap();
    jobs::nodes::beat(&app.ground.database, &node("serve_alone", "1.2.4", "k2"))
        .await
        .unwrap();
    let page = operator.get("/operator/nodes").await;
    assert!(
        page.text.contains("そろっていません") && !page.text.contains("途絶えています"),
        "{}",
        page.text
    );
}
