//! The console's home: numbers that are right at once, panels for whoever may see them, and of a workplace who has
//! registered.

mod names;

use crate::cluster::cluster;
use access::{Reach, Role};
use database::Durability;
use local_cluster::DATABASE;
use testkit::{Answer, TestApp, TestPerson};

/// A page of staff's, in bytes.
const SCREEN: usize = 40 * 1024;

/// A panel of the page, without markup.
fn panel(page: &Answer, id: &str) -> String {
    let from = page.text.split(&format!("<section class=\"panel\" id=\"{id}\"")).nth(1);
    let html = from.unwrap_or_else(|| panic!("no panel {id}: {}", page.text));
    words(html.split("</section>").next().unwrap())
}

/// What is read, without markup.
fn words(html: &str) -> String {
    let parts = html
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The panels of the page, in their order.
fn panels(page: &Answer) -> Vec<&str> {
    let sections = page.text.split("<section class=\"panel\" id=\"").skip(1);
    sections.map(|section| section.split('"').next().unwrap()).collect()
}

/// What every node does every hour.
async fn swept(app: &TestApp) {
    let (now, tenant) = (app.clock().now(), app.ground.database.tenant(app.tenant()));
    let mut tx = tenant.write(Durability::Safe).await.unwrap();
    accounts::tallies::keep(&mut tx, now).await.unwrap();
    roster::workplaces::keep(&mut tx, now).await.unwrap();
    tx.commit().await.unwrap();
}

/// What the trail says of looks: whose, at what, at how many.
async fn looks(app: &TestApp) -> Vec<String> {
    let lines = "SELECT concat_ws(' ', actor_kind, detail->>'what', detail->>'people') AS line FROM audit_events
        WHERE action = 'people.look' ORDER BY audit_id";
    app.insurer.lines(lines).await
}

async fn crowd(app: &TestApp, numbers: std::ops::Range<u32>) -> Vec<TestPerson> {
    let people: Vec<TestPerson> = numbers.map(TestPerson::new).collect();
    app.insurer.import(&people).await;
    people
}

#[tokio::test]
async fn registrations_are_counted_as_they_happen_and_stay_counted() {
    let app = TestApp::start().await;
    let people = crowd(&app, 100..104).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let said = async || {
        let page = clerk.get("/console/").await;
        assert!(page.text.len() < SCREEN, "{}", page.text.len());
        panel(&page, "registrations")
    };
    let at_first = said().await;
    assert!(at_first.contains("資格のある4人の0.0％"), "{at_first}");
    assert!(
        at_first.contains("この30日間の登録は0人、うち今日は0人です"),
        "{at_first}"
    );
    app.sign_up_as(&people[0]).await;
    let now = said().await;
    assert!(now.contains("資格のある4人の25.0％"), "{now}");
    assert!(now.contains("この30日間の登録は1人、うち今日は1人です"), "{now}");
    // The next day, before and after it is closed, and counted once though it is closed twice.
    app.later(24 * 3600);
    app.sign_up_as(&people[1]).await;
    let clerk_again = app.clerk(&[Role::Viewer]).await;
    for _ in 0..2 {
        let page = clerk_again.get("/console/").await;
        let now = panel(&page, "registrations");
        assert!(now.contains("資格のある4人の50.0％"), "{now}");
        assert!(now.contains("この30日間の登録は2人、うち今日は1人です"), "{now}");
        swept(&app).await;
    }
    // One who leaves is insured no longer; that they registered stays told.
    app.insurer.import(&people[1..]).await;
    let left = panel(&clerk_again.get("/console/").await, "registrations");
    assert!(left.contains("資格のある3人の33.3％"), "{left}");
    assert!(left.contains("この30日間の登録は2人、うち今日は1人です"), "{left}");
}

#[tokio::test]
async fn days_that_nobody_counted_are_counted_later_and_old_ones_go() {
    let app = TestApp::start().await;
    app.sign_up().await;
    app.later(3 * 24 * 3600);
    swept(&app).await;
    let days = async || {
        let lines =
            "SELECT concat(day - min(day) OVER (), ':', registrations) AS line FROM registration_days ORDER BY day";
        app.insurer.lines(lines).await
    };
    assert_eq!(days().await, ["0:1", "1:0", "2:0"]);
    let wrong = app.identity(&TestPerson::new(999));
    assert_eq!(app.client().send_form("/portal/signup", &wrong).await.status, 422);
    app.work().await;
    assert_eq!(app.insurer.count("sign_up_failures", "true").await, 1);
    app.later(399 * 24 * 3600);
    swept(&app).await;
    assert_eq!(app.insurer.count("sign_up_failures", "true").await, 1);
    app.later(24 * 3600);
    swept(&app).await;
    assert_eq!(app.insurer.count("sign_up_failures", "true").await, 0);
    assert_eq!(app.insurer.count("registration_days", "registrations > 0").await, 0);
    assert_eq!(app.insurer.count("registration_days", "true").await, 399);
}

#[tokio::test]
async fn failed_sign_ups_are_counted_by_reason_and_workplace_and_name_nobody() {
    let app = TestApp::start().await;
    app.sign_up().await;
    let fails = async |person: &TestPerson| {
        let typed = app.identity(person);
        assert_eq!(app.client().send_form("/portal/signup", &typed).await.status, 422);
        app.work().await;
    };
    fails(&TestPerson::new(777)).await;
    fails(&app.person).await;
    let other = TestPerson {
        kana_name: "ケンポ　ハナコ".into(),
        ..app.person.clone()
    };
    fails(&other).await;
    fails(&other).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let page = clerk.get("/console/").await;
    let said = panel(&page, "failures");
    for expected in [
        "記号・番号が名簿にない 1回",
        "すでに登録している 1回",
        "生年月日・氏名などが名簿と違う 2回",
        "（なし） 100 3回",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("777") && !said.contains(&app.person.number), "{said}");
    app.later(31 * 24 * 3600);
    let later = app.clerk(&[Role::Eligibility]).await.get("/console/").await;
    assert!(panel(&later, "failures").contains("ありません"));
}

#[tokio::test]
async fn mails_that_reached_nobody_are_listed_by_kind_and_masked_address() {
    let app = TestApp::start().await;
    let (_, _, email) = app.waiting_for_code().await;
    // Nobody sent it in time.
    app.later(3600);
    app.work().await;
    let page = app.clerk(&[Role::CallCentre]).await.get("/console/").await;
    let said = panel(&page, "mails");
    assert!(said.contains("ユーザーID作成用の認証番号"), "{said}");
    assert!(said.contains("期限までに送れなかった"), "{said}");
    assert!(said.contains("2026年11月22日"), "of thirty days: {said}");
    assert!(!page.text.contains(&email), "in clear");
}

#[tokio::test]
async fn each_role_sees_its_own_panels_and_no_other() {
    let app = TestApp::start().await;
    for (role, expected) in [
        (
            Role::Administrator,
            &["names", "registrations", "workplaces", "failures", "mails", "import"][..],
        ),
        (
            Role::Eligibility,
            &["names", "registrations", "workplaces", "failures", "mails", "import"],
        ),
        (Role::Viewer, &["registrations", "workplaces", "failures", "import"]),
        (
            Role::Auditor,
            &["registrations", "workplaces", "failures", "import", "statements"],
        ),
        (Role::CallCentre, &["mails"]),
        (Role::Workplace, &["own"]),
        (Role::NoticeEditor, &[]),
        (Role::Benefits, &["statements"]),
    ] {
        let clerk = match role {
            Role::Workplace => {
                let reach = Reach::Workplaces {
                    symbols: vec!["100".into()],
                    codes: vec![],
                };
                app.clerk_reaching(&[role], &reach).await
            }
            role => app.clerk(&[role]).await,
        };
        let page = clerk.get("/console/").await;
        assert_eq!(page.status, 200, "{role:?}");
        assert_eq!(panels(&page), expected, "{role:?}");
    }
    // Bounded by one role, a clerk sees nothing of the whole insurer by another.
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let both = app
        .clerk_reaching(&[Role::Workplace, Role::Administrator], &reach)
        .await;
    assert_eq!(panels(&both.get("/console/").await), ["own"]);
}

#[tokio::test]
async fn where_nothing_waits_home_says_so_and_where_the_way_goes_on() {
    let app = TestApp::start().await;
    let (nothing, menu) = (
        "今、対応が必要なことはありません。",
        "上のメニューから、使う画面を選んでください。",
    );
    for role in [Role::NoticeEditor, Role::Health, Role::FirstReview] {
        let page = app.clerk(&[role]).await.get("/console/").await;
        let said = words(&page.text);
        assert!(said.contains(&format!("{nothing}{menu}")), "{role:?}: {said}");
    }
    // What there is to see says itself that nothing waits in it, and leads to what is done there.
    let page = app.clerk(&[Role::Benefits]).await.get("/console/").await;
    assert!(panel(&page, "statements").contains("今、公開や確認を待っている提供分はありません"));
    assert!(!page.text.contains(nothing), "{}", page.text);
    // Bounded, a clerk is told of nothing that waits, so nothing is said of it.
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = app.clerk_reaching(&[Role::Benefits], &reach).await;
    let page = bounded.get("/console/").await;
    assert!(
        page.text.contains(menu) && !page.text.contains(nothing),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn an_insurer_without_a_roster_has_a_home_and_another_insurers_numbers_are_nowhere() {
    let app = TestApp::start().await;
    let other = TestApp::start().await;
    let people = crowd(&other, 500..507).await;
    other.sign_up_as(&people[0]).await;
    // Nobody but a dependant.
    let child = TestPerson {
        relationship: "子".into(),
        ..TestPerson::new(900)
    };
    app.insurer.import(&[child]).await;
    let page = app.clerk(&[Role::Administrator]).await.get("/console/").await;
    assert!(
        panel(&page, "registrations").contains("資格のある0人の－"),
        "{}",
        page.text
    );
    assert!(panel(&page, "workplaces").contains("表示できる事業所がありません"));
    assert!(panel(&page, "failures").contains("ありません"));
    assert!(panel(&page, "mails").contains("ありません"));
    assert!(panel(&page, "names").contains("確認を待っているものはありません"));
}

#[tokio::test]
async fn who_looks_after_a_workplace_sees_who_of_it_has_registered_and_each_look_is_recorded() {
    let app = TestApp::start().await;
    let mut people: Vec<TestPerson> = (100..103).map(TestPerson::new).collect();
    people[2].symbol = "200".into();
    people[2].name = "他社　花子".into();
    people.push(TestPerson {
        branch: "01".into(),
        name: "健保　子".into(),
        relationship: "子".into(),
        ..TestPerson::new(100)
    });
    app.insurer.import(&people).await;
    app.sign_up_as(&people[0]).await;
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let clerk = app.clerk_reaching(&[Role::Workplace], &reach).await;
    let own = panel(&clerk.get("/console/").await, "own");
    assert!(own.contains("（なし） 100 2 1 50.0％"), "{own}");
    assert!(!own.contains("200"), "{own}");
    let list = clerk.get("/console/workplaces/own/people?code=&symbol=100").await;
    assert_eq!(list.status, 200);
    let said = words(&list.text);
    assert!(said.contains("100・100 健保　祥子 登録済み"), "{said}");
    assert!(said.contains("100・101 健保　祥子 未登録"), "{said}");
    // No dependants, nobody of another workplace, and no more than that.
    assert!(
        !said.contains("健保　子") && !said.contains("他社") && !said.contains("1985"),
        "{said}"
    );
    assert_eq!(looks(&app).await, ["staff workplace 2"]);
    assert_eq!(app.insurer.count("audit_subjects", "true").await, 2);
    for elsewhere in ["?code=&symbol=200", "?code=X&symbol=100", ""] {
        let path = format!("/console/workplaces/own/people{elsewhere}");
        assert_eq!(clerk.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(clerk.get("/console/workplaces").await.status, 403);
    let all = app.clerk(&[Role::Viewer]).await;
    assert_eq!(
        all.get("/console/workplaces/own/people?code=&symbol=100").await.status,
        403
    );
    assert!(words(&all.get("/console/workplaces").await.text).contains("200 1 0 0.0％"));
}

#[tokio::test]
async fn workplaces_come_fifty_at_a_time_the_largest_first_and_each_once() {
    let app = TestApp::start().await;
    let people: Vec<TestPerson> = (0..60u32)
        .flat_map(|place| (0..=place % 3).map(move |nth| (place, nth)))
        .map(|(place, nth)| TestPerson {
            symbol: format!("{}", 1000 + place),
            ..TestPerson::new(nth + 1)
        })
        .collect();
    app.insurer.import(&people).await;
    let clerk = app.clerk(&[Role::Viewer]).await;
    let first = clerk.get("/console/workplaces").await;
    let next = first.text.split("<p class=\"more\"><a href=\"").nth(1).unwrap();
    let next = next
        .split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    let second = clerk.get(&next).await;
    let symbols = |page: &Answer| {
        let rows = page.text.split("<th scope=\"row\">").skip(1);
        rows.map(|row| words(row.split("</td>").next().unwrap()))
            .collect::<Vec<_>>()
    };
    let (first, second) = (symbols(&first), symbols(&second));
    assert_eq!((first.len(), second.len()), (50, 10));
    let all: std::collections::BTreeSet<_> = first.iter().chain(&second).collect();
    assert_eq!(all.len(), 60);
}

#[tokio::test]
async fn home_asks_the_database_as_often_whatever_there_is_to_show() {
    let app = TestApp::counting().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let asked = async || {
        let before = (app.ground.database.statements(), app.ground.database.transactions());
        assert_eq!(clerk.get("/console/").await.status, 200);
        let database = &app.ground.database;
        (database.statements() - before.0, database.transactions() - before.1)
    };
    for _ in 0..3 {
        asked().await;
    }
    let few = asked().await;
    let people: Vec<TestPerson> = (0..30)
        .map(|number| TestPerson {
            symbol: format!("{}", 300 + number),
            ..TestPerson::new(number)
        })
        .collect();
    app.insurer.import(&people).await;
    for person in &people[..3] {
        app.sign_up_as(person).await;
    }
    asked().await;
    let many = asked().await;
    assert_eq!(few, many);
    // Who comes in, and all panels together.
    assert_eq!(many.1, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panel_that_can_not_be_had_says_so_and_the_others_stand() {
    let cluster = tokio::task::spawn_blocking(|| cluster("home")).await.unwrap();
    let app = TestApp::on(&cluster.owner_url(DATABASE), &cluster.service_url(DATABASE)).await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    cluster
        .sql(DATABASE, "ALTER TABLE roster_imports RENAME TO away")
        .unwrap();
    let page = clerk.get("/console/").await;
    assert_eq!(page.status, 200);
    assert!(panel(&page, "import").contains("今は表示できません"), "{}", page.text);
    assert!(panel(&page, "registrations").contains("資格のある1人"), "{}", page.text);
    assert!(panel(&page, "mails").contains("ありません"));
}

#[tokio::test]
async fn a_chart_has_its_numbers_as_a_table_and_a_sentence() {
    let app = TestApp::start().await;
    let page = app.clerk(&[Role::Viewer]).await.get("/console/").await;
    let chart = page
        .text
        .split("<svg class=\"chart\"")
        .nth(1)
        .unwrap()
        .split("</svg>")
        .next()
        .unwrap();
    assert!(
        chart.contains("role=\"img\"") && chart.contains("aria-label=\"この30日間の登録は"),
        "{chart}"
    );
    let table = page
        .text
        .split("<details>")
        .nth(1)
        .unwrap()
        .split("</details>")
        .next()
        .unwrap();
    assert_eq!(table.matches("<tr><th scope=\"row\">").count(), 30);
    assert!(!page.text.contains("style=\""));
}
