//! A file of statements in the console: brought, its columns chosen, checked, looked at and loaded; and what becomes of one that is
//! wrong, unusual, broken off or somebody else's.

mod files;
mod received;
mod side_by_side;

use crate::{
    console::roster::chosen,
    portal::{leads, says},
};
use access::Role;
use kernel::Outcome;
use reqwest::Method;
use statements::{Deliveries, Kind, Month};
use std::fmt::Write as _;
use testkit::{Answer, TestApp, TestClerk};

const NEW: &str = "/console/statements/import";
const HEADER: &str =
    "処理年月,レセプト番号,記号,番号,枝番,診療年月,診療区分,医療機関等名称,医療費の総額,保険者の負担額,窓口相当負担額";

/// A row of the one person of every test's roster, or of a number that nobody has.
fn cost(label: &str, claim: &str, number: u32, total: u32) -> String {
    let copay = total * 3 / 10;
    format!(
        "{label},{claim},100,{number},00,2026-06,医科外来,東町クリニック,{total},{},{copay}",
        total - copay
    )
}

fn file(rows: &[String]) -> String {
    let mut file = format!("{HEADER}\r\n");
    for row in rows {
        write!(file, "{row}\r\n").unwrap();
    }
    file
}

/// Rows of somebody whom the roster knows, and of nobody.
fn rows(label: &str, known: usize, unknown: usize) -> Vec<String> {
    let of = |nth| {
        cost(
            label,
            &format!("{label}-{nth}"),
            if nth < known { 105 } else { 999 },
            1_000,
        )
    };
    (0..known + unknown).map(of).collect()
}

fn form(bytes: &[u8]) -> Vec<u8> {
    let before = "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"明細.csv\"\r\nContent-Type: text/csv\r\n\r\n";
    [before.as_bytes(), bytes, b"\r\n--xyz--\r\n"].concat()
}

async fn send(clerk: &TestClerk, kind: Kind, body: Vec<u8>) -> Answer {
    let mark = clerk.mark(NEW).await.unwrap();
    let request = clerk
        .request(Method::POST, &format!("{NEW}/{kind}?for={mark}"))
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "multipart/form-data; boundary=xyz")
        .body(body);
    clerk.send(request).await
}

/// Where a file is looked at that was brought.
async fn bring_as(clerk: &TestClerk, kind: Kind, file: &str) -> String {
    let answer = send(clerk, kind, form(file.as_bytes())).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let run = answer.location().to_owned();
    assert!(run.starts_with("/console/statements/runs/"), "{run}");
    run
}

async fn bring(clerk: &TestClerk, file: &str) -> String {
    bring_as(clerk, Kind::Costs, file).await
}

/// Has a file checked with the columns as the page proposes them, but for these fields.
async fn check_with(clerk: &TestClerk, run: &str, other: &[(&str, &str)]) -> Answer {
    let mut fields = chosen(&clerk.get(run).await.text);
    for (name, value) in other {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    clerk.post(&format!("{run}/check"), &fields).await
}

async fn check(clerk: &TestClerk, run: &str) {
    let answer = check_with(clerk, run, &[]).await;
    leads(&answer, run);
}

/// A file brought, and what is in it known.
async fn checked(app: &TestApp, clerk: &TestClerk, file: &str) -> String {
    let run = bring(clerk, file).await;
    check(clerk, &run).await;
    app.work().await;
    run
}

async fn press(clerk: &TestClerk, run: &str, verb: &str) -> Answer {
    clerk.post(&format!("{run}/{verb}"), &[]).await
}

/// A file loaded.
async fn loaded(app: &TestApp, clerk: &TestClerk, file: &str) -> String {
    let run = checked(app, clerk, file).await;
    let answer = press(clerk, &run, "load").await;
    leads(&answer, &run);
    app.work().await;
    says(&clerk.get(&run).await, 200, "取り込みました");
    run
}

async fn publish(app: &TestApp, label: &str) {
    let by = (audit::Actor::Operator, audit::Origin::command());
    let what = (Kind::Costs, Month::parse(label).unwrap(), None);
    let published = Deliveries::new(&app.app.ground).publish(app.tenant(), by, what).await;
    assert!(matches!(published, Ok(Outcome::Done(_))), "{published:?}");
}

/// The deliveries there are: state, rows, held rows.
async fn deliveries(app: &TestApp) -> Vec<String> {
    let query = "SELECT concat(kind, ' ', to_char(label, 'YYYY-MM'), ' ', state, ' ', rows, ' ', held) AS line
                 FROM statement_deliveries ORDER BY delivery";
    app.insurer.lines(query).await
}

async fn count(app: &TestApp, table: &str) -> usize {
    app.insurer.count(table, "true").await
}

async fn trail(app: &TestApp) -> Vec<String> {
    let query = "SELECT concat(action, ' ', outcome) AS line FROM audit_events
                 WHERE action LIKE 'statements.%' AND actor_kind = 'staff' ORDER BY 1";
    app.insurer.lines(query).await
}

#[tokio::test]
async fn a_file_is_brought_checked_looked_at_and_loaded_and_waits_to_be_published() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let run = bring(&clerk, &file(&rows("2026-08", 100, 1))).await;
    let page = clerk.get(&run).await;
    for said in ["UTF-8", "東町クリニック", "列の対応", "レセプト番号"] {
        says(&page, 200, said);
    }
    assert!(deliveries(&app).await.is_empty());
    app.later(1);
    check(&clerk, &run).await;
    let waiting = clerk.get(&run).await;
    says(&waiting, 200, "最新の状態を表示");
    assert!(waiting.header("content-security-policy").contains("connect-src 'self'"));
    let told = clerk.get(&format!("{run}/progress")).await.json();
    assert_eq!(
        (told["is_over"].as_bool(), told["percent"].as_u64()),
        (Some(false), Some(0))
    );
    app.work().await;
    let page = clerk.get(&run).await;
    for said in [
        "取り込む内容の確認",
        "2026年8月処理分の内容",
        "101行",
        "加入者に当たった明細</th><td class=\"num\">100行",
        "名簿の誰にも当たらない明細（保留になります）</th><td class=\"num\">1行",
        "医科外来",
        "101,000円",
        "このファイル",
    ] {
        says(&page, 200, said);
    }
    assert!(
        !page.text.contains("name=\"agree\"") && !page.text.contains("東町クリニック"),
        "{}",
        page.text
    );
    assert!(deliveries(&app).await.is_empty(), "checked is not loaded");
    app.later(1);
    assert_eq!(press(&clerk, &run, "load").await.status, 303);
    app.work().await;
    assert_eq!(deliveries(&app).await, ["costs 2026-08 ready 101 1"]);
    let by = format!("imported_by = '{}'", clerk.staff_id.0);
    assert_eq!(app.insurer.count("statement_deliveries", &by).await, 1);
    assert_eq!(count(&app, "uploads").await, 0, "the file is erased");
    let page = clerk.get(&run).await;
    says(&page, 200, "取り込みました");
    says(&page, 200, "href=\"/console/statements/1\"");
    let list = clerk.get(NEW).await;
    for said in ["明細.csv", "窓口　花子", "完了", "2026年8月処理分、101行"] {
        says(&list, 200, said);
    }
    // A figure is never broken; a long name of a file is.
    says(&list, 200, "<td data-l=\"内容\">2026年8月処理分");
    says(&list, 200, "dense stack files");
    assert_eq!(
        trail(&app).await,
        [
            "statements.bring done",
            "statements.import done",
            "statements.start done"
        ]
    );
    // The first rows are of people.
    let looks = "action = 'people.look' AND detail->>'what' = 'statements.run'";
    assert_eq!(app.insurer.count("audit_events", looks).await, 2);
}

// security.md 51
#[tokio::test]
async fn another_insurers_run_of_statements_is_not_there() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let (clerk, stranger) = (app.clerk(&[Role::Benefits]).await, other.clerk(&[Role::Benefits]).await);
    let run = bring(&clerk, &file(&rows("2026-08", 1, 0))).await;
    for path in [run.clone(), format!("{run}/progress")] {
        assert_eq!(stranger.get(&path).await.status, 404, "{path}");
    }
    for verb in ["check", "load", "again", "cancel"] {
        assert_eq!(press(&stranger, &run, verb).await.status, 404, "{verb}");
    }
    says(&clerk.get(&run).await, 200, "列の対応");
}

// security.md 42
#[tokio::test]
async fn an_unusual_file_is_agreed_to_by_whoever_has_just_proven_a_second_factor() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let run = checked(&app, &clerk, &file(&rows("2026-08", 10, 1))).await;
    let page = clerk.get(&run).await;
    says(&page, 200, "11行のうち1行（9％）が、加入者の名簿の誰にも当たりません");
    assert!(!page.text.contains("何も取り込んでいません。名簿"), "{}", page.text);
    assert!(
        page.text.contains("name=\"agree\"") && !page.text.contains("--allow"),
        "{}",
        page.text
    );
    says(&press(&clerk, &run, "load").await, 422, "ファイルを確かめてください");
    app.later(601);
    let agreed = clerk.post(&format!("{run}/load"), &[("agree", "1")]).await;
    assert!(agreed.location().starts_with("/console/prove"), "{}", agreed.location());
    app.work().await;
    assert!(deliveries(&app).await.is_empty());
    let proven = app.in_another_browser(&clerk).await;
    assert_eq!(proven.post(&format!("{run}/load"), &[("agree", "1")]).await.status, 303);
    app.work().await;
    assert_eq!(deliveries(&app).await, ["costs 2026-08 ready 11 1"]);
}

#[tokio::test]
async fn a_file_of_half_the_usual_size_stands_beside_the_labels_before_it() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    loaded(&app, &clerk, &file(&rows("2026-07", 10, 0))).await;
    publish(&app, "2026-07").await;
    let corrected = [cost("2026-08", "2026-07-0", 105, 1_200)];
    let run = checked(&app, &clerk, &file(&corrected)).await;
    let page = clerk.get(&run).await;
    for said in [
        "行数（1）が、これまでの提供分の中央値（10）の半分から2倍の範囲にありません",
        "2026年7月",
        "10,000円",
        "1件を訂正し（総額+200円）、0件を取り下げます",
    ] {
        says(&page, 200, said);
    }
    let answer = clerk.post(&format!("{run}/load"), &[("agree", "1")]).await;
    assert_eq!(answer.location(), run, "{}", answer.text);
    app.work().await;
    assert_eq!(
        deliveries(&app).await,
        ["costs 2026-07 published 10 0", "costs 2026-08 ready 1 0"]
    );
}

#[tokio::test]
async fn what_was_agreed_to_covers_nothing_that_came_about_later() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let run = checked(&app, &clerk, &file(&rows("2026-08", 10, 1))).await;
    // Meanwhile the usual size has become another.
    loaded(
        &app,
        &app.clerk(&[Role::Benefits]).await,
        &file(&rows("2026-07", 100, 0)),
    )
    .await;
    publish(&app, "2026-07").await;
    assert_eq!(clerk.post(&format!("{run}/load"), &[("agree", "1")]).await.status, 303);
    app.work().await;
    let page = clerk.get(&run).await;
    says(&page, 200, "取り込めませんでした");
    says(&page, 200, "行数（11）が、これまでの提供分の中央値（100）");
    assert_eq!(deliveries(&app).await[1..], ["costs 2026-08 refused 11 1"]);
    assert_eq!(count(&app, "uploads").await, 0);
}

#[tokio::test]
async fn a_file_that_somebody_has_loaded_already_says_of_which_version_it_is() {
    let app = TestApp::start().await;
    let (clerk, other) = (app.clerk(&[Role::Benefits]).await, app.clerk(&[Role::Benefits]).await);
    let whole = file(&rows("2026-08", 100, 0));
    let said = "同じファイルから取り込んだ第1版が、もうあります";
    let run = loaded(&app, &clerk, &whole).await;
    assert!(!clerk.get(&run).await.text.contains(said));
    let run = checked(&app, &other, &whole).await;
    says(&other.get(&run).await, 200, said);
    press(&other, &run, "cancel").await;
    let run = checked(&app, &other, &file(&rows("2026-08", 99, 0))).await;
    assert!(!other.get(&run).await.text.contains(said));
}

#[tokio::test]
async fn a_benefit_beyond_what_was_paid_is_told_with_what_to_give_instead_and_taken() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let paid = |benefit: u32| {
        let header = format!("{HEADER},標準負担額,支給額");
        let [first, second] = [300, benefit].map(|benefit| {
            let row = cost("2026-08", &format!("A{benefit}"), 105, 1_000);
            format!("{row},0,{benefit}\r\n")
        });
        format!("{header}\r\n{first}{second}")
    };
    for (benefit, is_told) in [(299, false), (301, true)] {
        let run = checked(&app, &clerk, &paid(benefit)).await;
        let page = clerk.get(&run).await;
        says(&page, 200, "取り込む内容の確認");
        for said in [
            "支給額が窓口での支払いより多い明細</th><td class=\"num\">1行",
            "支給額は、受診した方ごとの額にしてください",
        ] {
            assert_eq!(page.text.contains(said), is_told, "{benefit}: {}", page.text);
        }
        assert_eq!(press(&clerk, &run, "load").await.status, 303);
        app.work().await;
        app.later(1);
    }
    assert_eq!(count(&app, "cost_rows").await, 4);
}

#[tokio::test]
async fn a_file_of_a_published_label_is_told_by_what_it_changes_of_the_published_version() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    loaded(&app, &clerk, &file(&rows("2026-08", 100, 0))).await;
    publish(&app, "2026-08").await;
    // The first costs other, the last waits, and one is new.
    let mut second = rows("2026-08", 99, 1);
    second[0] = cost("2026-08", "2026-08-0", 105, 1_500);
    second.push(cost("2026-08", "new", 105, 300));
    let run = checked(&app, &clerk, &file(&second)).await;
    let page = clerk.get(&run).await;
    for said in [
        "公開中の第1版を置き換えます",
        "新しいレセプト1件、金額が変わるレセプト1件、なくなるレセプト1件",
        "総額＋800円",
        "公開中（置き換える版）",
        "100,000円",
        "ほかの処理年月で公開中のレセプトの訂正や取り下げはありません。",
    ] {
        says(&page, 200, said);
    }
}
