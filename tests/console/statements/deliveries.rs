//! What was delivered, as staff look at it: how it stands, who did what with it, and what of it is told elsewhere.

use crate::{
    portal::says,
    statements::{cost, load_at, taken_back},
};
use access::{Reach, Role};
use testkit::{Answer, Client, TestApp, TestClerk, TestPerson};

pub(super) const HOME: &str = "/console/statements";

/// An insurer with three insured people, numbers 1 to 3.
pub(super) async fn app() -> TestApp {
    let app = Box::pin(TestApp::with("32290413", |_| (), |_| ())).await;
    people(&app).await;
    app
}

pub(super) async fn people(app: &TestApp) {
    let people: Vec<TestPerson> = (1..=3).map(TestPerson::new).collect();
    app.insurer.import(&people).await;
}

/// What a form of a delivery's is sent with, as its page shows it now.
pub(super) async fn send(clerk: &TestClerk, page: &str, fields: &[(&str, &str)]) -> Answer {
    let mut form = clerk.hidden(page).await;
    for (name, value) in fields {
        form = form.with(name, value);
    }
    clerk.send_form(page, &form).await
}

/// Publishes at once.
pub(super) async fn publish(clerk: &TestClerk, no: i32) -> Answer {
    send(clerk, &format!("{HOME}/{no}/publish"), &[("when", "now")]).await
}

pub(super) async fn take_back(clerk: &TestClerk, no: i32, why: &str) -> Answer {
    send(clerk, &format!("{HOME}/{no}/withdraw"), &[("why", why)]).await
}

/// How all deliveries stand.
pub(super) async fn states(app: &TestApp) -> Vec<String> {
    let states =
        "SELECT concat_ws(' ', delivery, state, (published_by IS NOT NULL)::text) AS line FROM statement_deliveries
        ORDER BY delivery";
    app.insurer.lines(states).await
}

/// What of a page stands between two marks.
fn between<'a>(page: &'a Answer, from: &str, to: &str) -> &'a str {
    let (_, rest) = page
        .text
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from}: {}", page.text));
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

/// The figure before 「行の表示が変わります」.
async fn changes(clerk: &Client, no: i32) -> String {
    let page = clerk.get(&format!("{HOME}/{no}")).await;
    between(&page, "同じレセプト番号の明細のうち、", "行の表示が").to_owned()
}

/// What publishing or taking back said in the trail of the rows that it changed.
async fn superseded(app: &TestApp) -> String {
    let lines = "SELECT detail->>'superseded' AS line FROM audit_events
        WHERE action = 'statements.publish' AND detail ? 'superseded' ORDER BY audit_id DESC LIMIT 1";
    let said = app.insurer.lines(lines).await.remove(0);
    // Ids of the same instant stand in no order.
    app.later(1);
    said
}

#[tokio::test]
async fn deliveries_are_listed_with_how_they_stand_for_who_reads_them_and_ways_on_for_who_may_go_them() {
    let app = app().await;
    load_at(
        &app,
        &[
            cost("2026-08", "A", 1, "2026-06", 1_000),
            cost("2026-08", "B", 2, "2026-05", 2_000),
            cost("2026-08", "C", 9, "2026-06", 3_000),
        ],
    )
    .await;
    let (benefits, auditor) = (app.clerk(&[Role::Benefits]).await, app.clerk(&[Role::Auditor]).await);
    for clerk in [&benefits, &auditor] {
        let list = clerk.get(HOME).await;
        for said in ["2026年8月処理分", "未公開", "2026年5月から2026年6月まで", "医療費通知"] {
            says(&list, 200, said);
        }
        says(&list, 200, "提供分はまだありません。");
        let one = clerk.get(&format!("{HOME}/1")).await;
        for said in [
            "costs.csv",
            "3行",
            "2人",
            "1行",
            "医科外来",
            "6,000円",
            "1,800円",
            "新しく表示されます",
        ] {
            says(&one, 200, said);
        }
    }
    let may = |page: &Answer, to: &str| page.text.contains(&format!("href=\"{HOME}{to}\""));
    let (list, one) = (benefits.get(HOME).await, benefits.get(&format!("{HOME}/1")).await);
    assert!(may(&list, "/import") && may(&list, "/held") && may(&list, "/preview") && may(&one, "/1/publish"));
    assert!(!may(&one, "/1/withdraw"));
    let (list, one) = (auditor.get(HOME).await, auditor.get(&format!("{HOME}/1")).await);
    assert!(
        !may(&list, "/import") && !may(&list, "/held") && !may(&one, "/1/publish"),
        "{}",
        one.text
    );
    for page in [
        format!("{HOME}/2"),
        format!("{HOME}/x"),
        format!("{HOME}/2/publish"),
        format!("{HOME}/99999999999"),
    ] {
        assert_eq!(benefits.get(&page).await.status, 404, "{page}");
    }
    // A delivery is of the whole insurer.
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: Vec::new(),
    };
    let bounded = app.clerk_reaching(&[Role::Benefits], &reach).await;
    for page in [HOME.to_owned(), format!("{HOME}/1"), format!("{HOME}/1/publish")] {
        assert_eq!(bounded.get(&page).await.status, 403, "{page}");
    }
    assert_eq!(bounded.post(&format!("{HOME}/1/publish"), &[]).await.status, 403);
    let admin = app.clerk(&[Role::Administrator]).await;
    assert_eq!(admin.get(HOME).await.status, 403);
}

#[tokio::test]
async fn the_newest_deliveries_stand_open_and_older_ones_are_folded_up_unless_something_is_to_be_done() {
    let app = app().await;
    for month in 1..=8 {
        let label = format!("2026-{month:02}");
        load_at(&app, &[cost(&label, "A", 1, "2025-12", 1_000)]).await;
    }
    let clerk = app.clerk(&[Role::Benefits]).await;
    let list = clerk.get(HOME).await;
    assert!(
        !list.text.contains("<details>"),
        "they wait to be published: {}",
        list.text
    );
    for no in 1..=2 {
        assert_eq!(publish(&clerk, no).await.status, 303);
    }
    let list = clerk.get(HOME).await;
    let folded = between(&list, "<details>", "</details>");
    assert!(folded.contains("これより前の医療費通知の提供分（2件）"), "{folded}");
    assert!(
        folded.contains("2026年2月処理分") && folded.contains("2026年1月処理分"),
        "{folded}"
    );
    assert!(!folded.contains("2026年3月処理分"), "{folded}");
}

#[tokio::test]
async fn what_publishing_and_taking_back_would_change_is_what_they_change() {
    let app = app().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let earlier = ["A", "B", "C", "D"].map(|claim| cost("2026-07", claim, 1, "2026-05", 1_000));
    load_at(&app, &earlier).await;
    assert_eq!(changes(&clerk, 1).await, "0");
    assert_eq!(publish(&clerk, 1).await.status, 303);
    assert_eq!(superseded(&app).await, "0");
    load_at(
        &app,
        &[
            cost("2026-08", "A", 1, "2026-05", 1_100),
            cost("2026-08", "B", 1, "2026-05", 900),
        ],
    )
    .await;
    assert_eq!(changes(&clerk, 2).await, "2");
    assert_eq!(publish(&clerk, 2).await.status, 303);
    assert_eq!(superseded(&app).await, "2");
    // A stays corrected by another, B comes back, C goes.
    load_at(
        &app,
        &[
            cost("2026-08", "A", 1, "2026-05", 1_200),
            taken_back("2026-08", "C", 1, "2026-05"),
        ],
    )
    .await;
    let page = clerk.get(&format!("{HOME}/3")).await;
    says(&page, 200, "公開している第1版が、この版に置き換わります。");
    let said = changes(&clerk, 3).await;
    assert_eq!(publish(&clerk, 3).await.status, 303);
    assert_eq!(superseded(&app).await, said);
    assert_eq!(said, "3");
    // And back again.
    let said = changes(&clerk, 2).await;
    let page = clerk.get(&format!("{HOME}/3/withdraw")).await;
    assert_eq!(between(&page, "同じレセプト番号の", "行の表示も"), "2");
    assert_eq!(publish(&clerk, 2).await.status, 303);
    assert_eq!(superseded(&app).await, said);
    assert_eq!(
        states(&app).await,
        ["1 published true", "2 published true", "3 replaced true"]
    );
}

#[tokio::test]
async fn home_tells_what_waits_and_a_persons_page_what_is_published_alike_for_everybody() {
    let app = app().await;
    let panel = async |role: Role| {
        let page = app.clerk(&[role]).await.get("/console/").await;
        page.text
            .contains("医療費・お薬の提供分")
            .then(|| between(&page, "id=\"statements\"", "</section>").to_owned())
    };
    let ids = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons ORDER BY number")
        .await;
    let call_centre = app.clerk(&[Role::CallCentre]).await;
    let section = async |id: &str| {
        let page = call_centre.get(&format!("/console/members/{id}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text
            .contains("id=\"t-statements\"")
            .then(|| between(&page, "id=\"t-statements\"", "</section>").to_owned())
    };
    for role in [Role::Benefits, Role::Auditor] {
        let none = panel(role).await.unwrap();
        assert!(none.contains("今、公開や確認を待っている提供分はありません"), "{none}");
        assert!(none.contains("href=\"/console/statements\""), "{none}");
    }
    assert_eq!(section(&ids[0]).await, None);
    load_at(
        &app,
        &[
            cost("2026-08", "A", 1, "2026-06", 1_000),
            cost("2026-08", "B", 9, "2026-06", 1_000),
        ],
    )
    .await;
    let waits = panel(Role::Benefits).await.unwrap();
    for said in ["2026年8月処理分 第1版", "未公開", "1行", "/console/statements/held"] {
        assert!(waits.contains(said), "{said}: {waits}");
    }
    assert!(!waits.contains("ありません"), "{waits}");
    assert!(!panel(Role::Auditor).await.unwrap().contains("/console/statements/held"));
    assert_eq!(panel(Role::Administrator).await, None);
    assert_eq!(section(&ids[0]).await, None);
    let clerk = app.clerk(&[Role::Benefits]).await;
    assert_eq!(publish(&clerk, 1).await.status, 303);
    let waits = panel(Role::Benefits).await.unwrap();
    assert!(!waits.contains("未公開") && waits.contains("1行"), "{waits}");
    let said = section(&ids[0]).await.unwrap();
    assert!(
        said.contains("2026年8月処理分まで") && said.contains("まだ公開していません"),
        "{said}"
    );
    for id in &ids {
        assert_eq!(section(id).await.as_ref(), Some(&said), "{id}");
    }
    assert_eq!(call_centre.get(HOME).await.status, 403);
}

#[tokio::test]
async fn whoever_decides_on_a_second_version_is_shown_what_it_changes_against_the_one_that_it_replaces() {
    let app = app().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let first = ["A", "B", "C", "D"].map(|claim| cost("2026-08", claim, 1, "2026-06", 1_000));
    load_at(&app, &first).await;
    let page = clerk.get(&format!("{HOME}/1")).await;
    assert!(!page.text.contains("前の版との違い"), "{}", page.text);
    assert_eq!(publish(&clerk, 1).await.status, 303);
    // A costs more, B is as it was, C waits, D is not there any more, and E is new.
    let second = [
        cost("2026-08", "A", 1, "2026-06", 1_250),
        cost("2026-08", "B", 1, "2026-06", 1_000),
        cost("2026-08", "C", 9, "2026-06", 1_000),
        cost("2026-08", "E", 1, "2026-06", 2_000),
    ];
    load_at(&app, &second).await;
    let differs = [
        "新しいレセプト1件、金額が変わるレセプト1件、なくなるレセプト2件",
        "4,000円 → 5,250円",
        "＋1,250円",
        "0行 → 1行",
    ];
    for path in [format!("{HOME}/2"), format!("{HOME}/2/publish")] {
        let page = clerk.get(&path).await;
        for said in differs {
            says(&page, 200, said);
        }
        assert!(!page.text.contains("古い版"), "{}", page.text);
    }
    // What waits becomes fewer by itself, and what was found stays what it was.
    assert_eq!(publish(&clerk, 2).await.status, 303);
    // Back again it is the other way round.
    let back = clerk.get(&format!("{HOME}/1/publish")).await;
    says(&back, 200, "公開している版より古い版です");
    says(
        &clerk.get(&format!("{HOME}/1")).await,
        200,
        "公開している版より古い版です",
    );
    for said in [
        "新しいレセプト2件、金額が変わるレセプト1件、なくなるレセプト1件",
        "5,250円 → 4,000円",
        "－1,250円",
    ] {
        says(&back, 200, said);
    }
    // The third was never compared with the first.
    load_at(&app, &[cost("2026-08", "A", 1, "2026-06", 900)]).await;
    says(
        &clerk.get(&format!("{HOME}/3")).await,
        200,
        "新しいレセプト0件、金額が変わるレセプト1件、なくなるレセプト2件",
    );
    assert_eq!(publish(&clerk, 1).await.status, 303);
    let page = clerk.get(&format!("{HOME}/3/publish")).await;
    says(&page, 200, "レセプトごとには比べていません");
    says(&page, 200, "4,000円 → 900円");
}
