//! Files of a year: what stands in them, what is asked before they leave, and what is written of it.

use super::{
    at_home::{AtHome, NUMBER, SYMBOL, family, paid, row},
    month,
};
use crate::portal::{leads, says};
use database::Durability;
use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl as _;
use kernel::{PersonId, StaffId};
use reqwest::Method;
use roster::protection::{self, New};
use statements::{
    Kind,
    disclosures::{self, AskedBy},
    visibility::Audience,
};
use std::time::Duration;
use testkit::{Answer, Client, Network, PASSWORD, TestApp, TestPerson, service_url};
use tokio::time::sleep;

const FILES: &str = "/portal/costs/files";
/// Beyond the quarter of an hour for which a typed password counts, within the half hour for which a session waits.
const STALE: i64 = 15 * 60;
const ASKED: &str = "今のパスワードを入力してください";
const FIELD: &str = "name=\"current_password\"";
const TAKEN: &str = "action = 'costs.export' AND actor_kind = 'member' AND outcome = 'done'";

async fn take(client: &Client, file: &str, password: &str) -> Answer {
    let fields = [("year", "2026"), ("file", file), ("current_password", password)];
    client.post(FILES, &fields).await
}

/// The lines of a file that left.
#[track_caller]
fn lines(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    answer.text.trim_start_matches('\u{FEFF}').lines().collect()
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16, text: &str) {
    says(answer, status, text);
    assert!(!answer.text.contains("東町クリニック"), "{}", answer.text);
}

#[tokio::test]
async fn a_year_leaves_row_by_row_or_in_the_columns_of_the_tax_offices_form() {
    let home = AtHome::paid().await;
    let page = home.father.get(FILES).await;
    says(&page, 200, "ファイルを保存する");
    // A script takes it, to say on the page that it has come.
    assert!(page.header("content-security-policy").contains("connect-src 'self'"));
    let rows = take(&home.father, "rows", "").await;
    assert_eq!(rows.header("cache-control"), "no-store");
    assert_eq!(
        rows.header("content-disposition"),
        "attachment; filename=\"2026.csv\"; \
         filename*=UTF-8''%E5%8C%BB%E7%99%82%E8%B2%BB%E3%81%AE%E6%98%8E%E7%B4%B02026%E5%B9%B4.csv"
    );
    let rows = lines(&rows);
    assert_eq!(
        rows[0],
        "\"受診者\",\"診療年月\",\"診療区分\",\"日数（回数）\",\"医療機関等名称\",\"医療費の総額（円）\",\"保険者の負担額（円）\",\
         \"その他の公費の負担額（円）\",\"窓口相当負担額（円）\",\"標準負担額（円）\",\"支給額（円）\""
    );
    assert_eq!(rows.len(), 6);
    let mothers = "\"北村 花子\",\"2026年6月\",\"医科入院\",\"9\",\"中央病院\",\"192000\",\"134400\",\"0\",\"57600\",\"4900\",\"20000\"";
    assert!(rows.contains(&mothers), "{rows:?}");
    let sums = take(&home.father, "sums", "").await;
    assert_eq!(
        lines(&sums),
        [
            "\"医療を受けた人\",\"病院・薬局などの名称\",\"診療・治療\",\"医薬品購入\",\"介護保険サービス\",\"その他の医療費\",\
             \"支払った医療費の金額\",\"左のうち補填される金額\",\"支払年月日\"",
            "\"北村 一郎\",\"東町クリニック\",\"該当する\",\"\",\"\",\"\",\"6000\",\"0\",\"\"",
            "\"北村 一郎\",\"西町薬局\",\"\",\"該当する\",\"\",\"\",\"1200\",\"0\",\"\"",
            "\"北村 花子\",\"中央病院\",\"該当する\",\"\",\"\",\"\",\"62500\",\"20000\",\"\"",
            "\"北村 次郎\",\"\",\"該当する\",\"\",\"\",\"\",\"800\",\"0\",\"\"",
        ]
    );
    // That it was made is known; what was in it is not.
    let trail = "SELECT concat(object_kind, ' ', detail) AS line FROM audit_events WHERE action = 'costs.export' ORDER BY detail::text";
    assert_eq!(
        home.app.insurer.lines(trail).await,
        [
            "account {\"file\": \"rows\", \"year\": 2026}",
            "account {\"file\": \"sums\", \"year\": 2026}"
        ]
    );
}

// security.md 52
#[tokio::test]
async fn a_file_begins_with_a_byte_order_mark_and_no_cell_is_a_formula() {
    let home = AtHome::new().await;
    let names = ["+81薬局", "-2接骨院", "@東町"];
    let rows = names.iter().enumerate().map(|(nth, name)| {
        let cells = format!("2026-06,医科外来,1,{name},1000,700,0,300,0,0");
        row(("00", &format!("F{nth}")), &cells)
    });
    home.desk.show(&rows.collect::<Vec<_>>()).await;
    for file in ["rows", "sums"] {
        let mark = home.father.mark(FILES).await.unwrap();
        let fields = [("year", "2026"), ("file", file), ("for", &mark)];
        let request = home.father.request(Method::POST, FILES);
        let request = request.header("Sec-Fetch-Site", "same-origin").form(&fields);
        let bytes = request.send().await.unwrap().bytes().await.unwrap();
        assert!(bytes.starts_with(b"\xEF\xBB\xBF\""), "{bytes:?}");
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        for name in names {
            assert!(text.contains(&format!(",\"'{name}\",")), "{name}: {text}");
        }
    }
}

// security.md 38, 42
#[tokio::test]
async fn without_a_password_typed_of_late_no_file_leaves_and_what_was_chosen_stays() {
    let home = AtHome::paid().await;
    home.app.later(STALE - 1);
    assert!(!home.father.get(FILES).await.text.contains(FIELD));
    lines(&take(&home.father, "sums", "").await);
    // The page was shown before the time was over; its form comes after.
    home.app.later(1);
    let late = take(&home.father, "sums", "").await;
    is_refused(&late, 422, ASKED);
    for kept in [FIELD, "value=\"sums\" checked", "<option value=\"2026\" selected>"] {
        assert!(late.text.contains(kept), "{kept}: {}", late.text);
    }
    let wrong = take(&home.father, "sums", "wrong&1234").await;
    is_refused(&wrong, 422, "今のパスワードが違います");
    assert!(!wrong.text.contains("wrong&amp;1234") && !wrong.text.contains("wrong&1234"));
    assert_eq!(home.app.insurer.count("audit_events", TAKEN).await, 1);
    says(&home.father.get(FILES).await, 200, FIELD);
    // What was a session's token before it is none now.
    let stolen = home.father.cookie("__Host-session").unwrap();
    lines(&take(&home.father, "sums", PASSWORD).await);
    let thief = home.father.stranger();
    thief.set_cookie("__Host-session", &stolen);
    assert_eq!(thief.get(FILES).await.status, 303);
    // And it counts for the next.
    assert!(!home.father.get(FILES).await.text.contains(FIELD));
    lines(&take(&home.father, "rows", "").await);
    assert_eq!(home.app.insurer.count("audit_events", TAKEN).await, 3);
}

/// Whether so many wait for a backend, or for one that waits for it.
async fn wait(app: &TestApp, backend: &str, count: usize) -> bool {
    let waiting = format!(
        "WITH RECURSIVE waiting AS (
             SELECT {backend} AS pid
             UNION SELECT a.pid FROM pg_stat_activity a JOIN waiting w ON w.pid = ANY(pg_blocking_pids(a.pid)))
         SELECT '' AS line FROM waiting"
    );
    app.insurer.lines(&waiting).await.len() > count
}

// security.md 38
#[tokio::test(flavor = "multi_thread")]
async fn after_two_clicks_a_browser_is_inside_whichever_answer_it_keeps() {
    let home = AtHome::paid().await;
    home.app.later(STALE);
    // Both have come in by the same token before either has a new one.
    let tenant = home.app.insurer.database.tenant(home.app.tenant());
    let held = tenant.write(Durability::Safe).await.unwrap();
    let sessions = format!(
        "SELECT FROM sessions WHERE tenant_id = {} FOR UPDATE",
        home.app.tenant()
    );
    diesel::sql_query(sessions).execute(&mut &*held).await.unwrap();
    let backend = diesel::select(diesel::dsl::sql::<Integer>("pg_backend_pid()"));
    let backend: i32 = backend.get_result(&mut &*held).await.unwrap();
    let (one, two, ()) = tokio::join!(
        take(&home.father, "sums", PASSWORD),
        take(&home.father, "sums", PASSWORD),
        async {
            while !wait(&home.app, &backend.to_string(), 2).await {
                sleep(Duration::from_millis(20)).await;
            }
            held.rollback().await.unwrap();
        }
    );
    for answer in [one, two] {
        lines(&answer);
        let cookies = answer.set_cookies();
        let session = cookies.iter().find_map(|cookie| cookie.strip_prefix("__Host-session="));
        let browser = home.father.stranger();
        browser.set_cookie("__Host-session", session.unwrap().split(';').next().unwrap());
        says(&browser.get(FILES).await, 200, "ファイルを保存する");
    }
}

// security.md 42
#[tokio::test]
async fn a_password_typed_in_one_session_proves_nothing_in_another() {
    let home = AtHome::paid().await;
    home.app.later(STALE);
    let elsewhere = home.app.inside(&home.who).await;
    lines(&take(&elsewhere, "rows", "").await);
    is_refused(&take(&home.father, "rows", "").await, 422, ASKED);
    home.app.later(STALE - 60);
    lines(&take(&home.father, "rows", PASSWORD).await);
    home.app.later(60);
    is_refused(&take(&elsewhere, "rows", "").await, 422, ASKED);
    lines(&take(&home.father, "rows", "").await);
}

// security.md 42
#[tokio::test]
async fn a_password_typed_for_another_thing_in_the_same_session_counts() {
    let home = AtHome::paid().await;
    home.app.later(STALE);
    let wish = [("current_password", PASSWORD), ("email", "new@example.jp")];
    leads(
        &home.father.post("/portal/account/email", &wish).await,
        "/portal/account/email/code",
    );
    lines(&take(&home.father, "rows", "").await);
}

// security.md 28
#[tokio::test]
async fn guesses_before_a_file_are_counted_like_every_other_and_that_they_are_held_is_told() {
    let home = AtHome::paid().await;
    home.app.later(STALE);
    for _ in 0..10 {
        is_refused(
            &take(&home.father, "rows", "wrong&1234").await,
            422,
            "今のパスワードが違います",
        );
    }
    let held = take(&home.father, "rows", PASSWORD).await;
    is_refused(&held, 429, "しばらく受け付けを止めています");
    // On one count with the other proofs.
    let close = home
        .father
        .post("/portal/account/close", &[("current_password", PASSWORD)])
        .await;
    assert_eq!(close.status, 429);
    home.app.later(61);
    lines(&take(&home.father, "rows", PASSWORD).await);
}

#[tokio::test]
async fn no_number_of_the_insurance_stands_on_the_page_or_in_a_file() {
    let home = AtHome::paid().await;
    let code = home.app.insurer.code.as_str().to_owned();
    let page = home.father.get(FILES).await;
    let files = [
        take(&home.father, "rows", "").await,
        take(&home.father, "sums", "").await,
    ];
    for file in &files {
        lines(file);
        assert!(!file.text.contains(&code), "{}", file.text);
    }
    for answer in files.iter().chain([&page]) {
        for number in [SYMBOL, NUMBER] {
            assert!(!answer.text.contains(number), "{number}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn only_a_year_and_a_file_that_are_offered_leave() {
    let home = AtHome::paid().await;
    for (year, file, said) in [
        ("2025", "rows", "年"),
        ("02026", "rows", "年"),
        ("", "rows", "年"),
        ("2026", "", "ファイルの種類"),
        ("2026", "all", "ファイルの種類"),
    ] {
        let fields = [("year", year), ("file", file), ("current_password", "")];
        is_refused(&home.father.post(FILES, &fields).await, 422, said);
    }
    // What is wrong with the form costs no try of the password.
    home.app.later(STALE);
    let fields = [("year", "2025"), ("file", "rows"), ("current_password", "wrong&1234")];
    is_refused(&home.father.post(FILES, &fields).await, 422, "年");
    assert_eq!(
        home.app
            .insurer
            .count("audit_events", "action = 'password.prove'")
            .await,
        0
    );
}

#[tokio::test]
async fn to_ask_for_the_page_writes_nothing() {
    let home = AtHome::paid().await;
    let before = home.app.insurer.count("audit_events", "true").await;
    let head = home.father.send(home.father.request(Method::HEAD, FILES)).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    says(&home.father.get(FILES).await, 200, "2026年");
    assert_eq!(home.app.insurer.count("audit_events", "true").await, before);
}

// security.md 63
#[tokio::test]
async fn a_form_that_was_shown_for_somebody_else_gives_no_file() {
    let home = AtHome::paid().await;
    let neighbour = TestPerson::new(206);
    let people = [family(), vec![neighbour.clone()]].concat();
    home.app.insurer.import(&people).await;
    let neighbour = home.app.sign_up_as(&neighbour).await;
    let fathers = home.father.hidden(FILES).await;
    home.father.log_in(&neighbour).await;
    home.father.accept_terms().await;
    let fields = fathers.with("year", "2026").with("file", "rows");
    let answer = home.father.send_form(FILES, &fields).await;
    says(&answer, 409, "この画面を開いたあとに、別の方の手続きが始まっています");
    assert_eq!(home.app.insurer.count("audit_events", TAKEN).await, 0);
    // The neighbour's own file has nothing of the family.
    assert_eq!(lines(&take(&home.father, "rows", "").await).len(), 1);
}

/// Page and files of the year, as they are received.
async fn seen(home: &AtHome) -> Vec<String> {
    let page = home.father.get("/portal/costs/tax/2026").await;
    let offer = home.father.get(FILES).await;
    let files = [
        take(&home.father, "rows", "").await,
        take(&home.father, "sums", "").await,
    ];
    let all = [page, offer].into_iter().chain(files);
    all.map(|answer| answer.normalized()).collect()
}

#[tokio::test]
async fn who_is_hidden_changes_no_byte_of_the_others_page_and_files() {
    for hidden in ["protected", "self_only", "suppressed"] {
        let home = AtHome::new().await;
        let wife = "SELECT person_id::text AS line FROM persons WHERE branch = '01'";
        let wife = PersonId::parse(&home.app.insurer.lines(wife).await[0]).unwrap();
        let fathers: Vec<String> = paid().into_iter().take(3).collect();
        home.desk.show(&fathers).await;
        let before = seen(&home).await;
        let (clock, keys) = (home.app.clock(), home.app.keys());
        let mut tx = home.app.write(home.app.tenant()).await;
        if let Some(audience) = Audience::from_word(hidden) {
            let wish = (audience, Audience::Household);
            disclosures::set(&mut tx, clock.now(), (wife, Kind::Costs), wish, AskedBy::Person)
                .await
                .unwrap();
        } else {
            let new = New {
                person: wife,
                guardian: None,
                reason: "申し出",
            };
            let by = StaffId(uuid::Uuid::nil());
            assert!(
                protection::set(&mut tx, keys, clock.now(), by, new)
                    .await
                    .unwrap()
                    .is_some()
            );
        }
        tx.commit().await.unwrap();
        let all: Vec<String> = paid().into_iter().take(4).collect();
        home.desk.show(&all).await;
        let held = home
            .app
            .insurer
            .count("cost_rows", &format!("month = '{}'", month("202606").first()))
            .await;
        assert_eq!(held, 3, "both versions");
        assert_eq!(seen(&home).await, before, "{hidden}");
    }
}

#[tokio::test]
async fn a_file_that_is_broken_off_hurts_nobody_and_is_made_anew() {
    let home = AtHome::paid().await;
    let mark = home.father.mark(FILES).await.unwrap();
    let fields = [("year", "2026"), ("file", "rows"), ("for", &mark)];
    let request = home.father.request(Method::POST, FILES);
    let answer = request
        .header("Sec-Fetch-Site", "same-origin")
        .form(&fields)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer);
    assert_eq!(lines(&take(&home.father, "rows", "").await).len(), 6);
    assert_eq!(home.app.insurer.count("audit_events", TAKEN).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_database_goes_away_behind_the_password_nobody_is_logged_out_and_no_part_leaves() {
    let network = Network::before(&service_url()).await;
    let url = network.url(&service_url());
    let app = TestApp::with("32290413", |_| (), |config| config.database.url = url).await;
    let home = Box::pin(AtHome::on(app)).await;
    home.desk.show(&paid()).await;
    home.app.later(STALE);
    network.cut_at_commit_of(b"costs.export");
    is_refused(
        &take(&home.father, "sums", PASSWORD).await,
        503,
        "value=\"sums\" checked",
    );
    network.clear();
    // What was typed counts.
    assert!(!home.father.get(FILES).await.text.contains(FIELD));
    lines(&take(&home.father, "sums", "").await);
}
