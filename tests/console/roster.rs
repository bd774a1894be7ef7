//! The roster in the console: a file is brought, checked, compared and imported; and what becomes of one that is wrong, too
//! large, broken off or somebody else's.

mod side_by_side;

use super::half_sent::HalfSent;
use access::Role;
use reqwest::Method;
use testkit::{Answer, TestApp, TestClerk, sql};
use tokio::time::{Duration, sleep, timeout};

const NEW: &str = "/console/roster/new";
pub(crate) const HEADER: &str = "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称,資格喪失日";
/// Who is in every test's roster.
pub(crate) const SHOKO: &str = "100,105,00,ケンポ　ショウコ,健保　祥子,19850401,本人,";
pub(crate) const HANAKO: &str = "100,106,00,ケンポ　ハナコ,健保　花子,19900401,本人,";

pub(crate) fn file(rows: &[&str]) -> String {
    format!("{HEADER}\r\n{}\r\n", rows.join("\r\n"))
}

fn form(bytes: &[u8]) -> Vec<u8> {
    let before = "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"名簿.csv\"\r\nContent-Type: text/csv\r\n\r\n";
    [before.as_bytes(), bytes, b"\r\n--xyz--\r\n"].concat()
}

async fn send(clerk: &TestClerk, body: Vec<u8>) -> Answer {
    let mark = clerk.mark(NEW).await.unwrap();
    let request = clerk
        .request(Method::POST, &format!("{NEW}?for={mark}"))
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "multipart/form-data; boundary=xyz")
        .body(body);
    clerk.send(request).await
}

/// Where a file is looked at that was brought.
pub(super) async fn bring(clerk: &TestClerk, bytes: &[u8]) -> String {
    let answer = send(clerk, form(bytes)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let run = answer.location().to_owned();
    assert!(run.starts_with("/console/roster/runs/"), "{run}");
    run
}

/// What the page says to which a refused file leads back.
async fn refused(clerk: &TestClerk, body: Vec<u8>) -> String {
    let answer = send(clerk, body).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(answer.location().starts_with(NEW), "{}", answer.location());
    clerk.get(answer.location()).await.text
}

/// The columns as the check proposes them.
pub(super) fn chosen(page: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for select in page.split("<select ").skip(1) {
        let name = between(select, "name=\"", "\"");
        let select = select.split("</select>").next().unwrap();
        let selected = select
            .split("<option value=\"")
            .find(|option| option.contains("\" selected"));
        fields.push((
            name,
            selected.map_or_else(String::new, |option| option.split('"').next().unwrap().to_owned()),
        ));
    }
    fields
}

fn between(text: &str, before: &str, after: &str) -> String {
    text.split_once(before)
        .unwrap()
        .1
        .split_once(after)
        .unwrap()
        .0
        .to_owned()
}

pub(super) async fn compare_as(clerk: &TestClerk, run: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    clerk.post(&format!("{run}/compare"), &fields).await
}

pub(super) async fn compare(clerk: &TestClerk, run: &str) -> Answer {
    let page = clerk.get(run).await;
    compare_as(clerk, run, &chosen(&page.text)).await
}

pub(crate) async fn press(clerk: &TestClerk, run: &str, verb: &str) -> Answer {
    clerk.post(&format!("{run}/{verb}"), &[]).await
}

/// A file brought, compared, and its difference known.
pub(crate) async fn compared(app: &TestApp, clerk: &TestClerk, bytes: &[u8]) -> String {
    let run = bring(clerk, bytes).await;
    assert_eq!(compare(clerk, &run).await.status, 303);
    app.work().await;
    run
}

pub(crate) async fn present(app: &TestApp) -> usize {
    app.insurer.count("persons", "present").await
}

async fn kept(app: &TestApp) -> usize {
    app.insurer.count("upload_pieces", "true").await
}

async fn trail(app: &TestApp) -> Vec<String> {
    let query = "SELECT action || ' ' || actor_kind AS line FROM audit_events
                 WHERE action LIKE 'roster.%' AND actor_kind = 'staff' ORDER BY at, audit_id";
    app.insurer.lines(query).await
}

#[tokio::test]
async fn a_file_is_brought_checked_compared_and_imported() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = bring(&clerk, file(&[SHOKO, HANAKO]).as_bytes()).await;
    let page = clerk.get(&run).await.text;
    for said in ["UTF-8", "ケンポ　ハナコ", "列の対応", "被保険者証記号"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert_eq!(present(&app).await, 1);
    app.later(1);
    assert_eq!(compare(&clerk, &run).await.status, 303);
    let waiting = clerk.get(&run).await;
    assert!(
        waiting.text.contains("最新の状態を表示") && waiting.text.contains("<progress"),
        "{}",
        waiting.text
    );
    assert!(waiting.header("content-security-policy").contains("connect-src 'self'"));
    let told = clerk.get(&format!("{run}/progress")).await.json();
    assert_eq!(
        (told["is_over"].as_bool(), told["percent"].as_u64()),
        (Some(false), Some(0))
    );
    app.work().await;
    let difference = clerk.get(&run).await.text;
    for said in [
        "変わる内容の確認",
        "健保　花子",
        "100・106・00",
        "新規",
        "この内容で取り込む",
    ] {
        assert!(difference.contains(said), "{said}: {difference}");
    }
    assert_eq!(present(&app).await, 1, "compared is not imported");
    app.later(1);
    assert_eq!(press(&clerk, &run, "start").await.status, 303);
    app.work().await;
    assert_eq!(present(&app).await, 2);
    let result = clerk.get(&run).await.text;
    assert!(
        result.contains("取り込みました") && !result.contains("健保　花子"),
        "{result}"
    );
    assert_eq!(kept(&app).await, 0, "the file is erased");
    let list = clerk.get("/console/roster").await.text;
    for said in ["名簿.csv", "窓口　花子", "完了", "新規1"] {
        assert!(list.contains(said), "{said}: {list}");
    }
    // All of it at one moment of the tests' clock.
    let mut lines = trail(&app).await;
    lines.sort();
    assert_eq!(
        lines,
        ["roster.bring staff", "roster.import staff", "roster.start staff"]
    );
    // Whom the difference showed can be asked for.
    let looks = app
        .insurer
        .count(
            "audit_events",
            "action = 'people.look' AND detail->>'what' = 'roster.run'",
        )
        .await;
    assert!(looks >= 2, "{looks}");
    // Whoever may only look sees no people.
    let viewer = app.clerk(&[Role::Viewer]).await;
    let theirs = viewer.get("/console/roster").await.text;
    assert!(theirs.contains("完了") && !theirs.contains(NEW), "{theirs}");
}

#[tokio::test]
async fn what_goes_on_at_once_is_said_to_be_imported_while_it_is_written() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = bring(&clerk, file(&[SHOKO, HANAKO]).as_bytes()).await;
    assert_eq!(compare(&clerk, &run).await.status, 303);
    let heading = async |stage: &str| {
        sql(app.tenant(), &format!("UPDATE roster_runs SET stage = '{stage}'")).await;
        let page = clerk.get(&run).await.text;
        page.split("<h1>").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    assert_eq!(heading("comparing").await, "今の名簿と照合しています");
    assert_eq!(heading("merging").await, "取り込んでいます");
}

#[tokio::test]
async fn who_may_not_import_sees_neither_the_files_rows_nor_its_errors() {
    let app = TestApp::start().await;
    let (clerk, viewer) = (app.clerk(&[Role::Eligibility]).await, app.clerk(&[Role::Viewer]).await);
    let run = bring(&clerk, file(&[SHOKO, HANAKO]).as_bytes()).await;
    let page = viewer.get(&run).await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("ハナコ"), "{}", page.text);
    assert_eq!(press(&viewer, &run, "errors").await.status, 403);
}

// security.md 51
#[tokio::test]
async fn another_insurers_run_is_not_there() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let stranger = other.clerk(&[Role::Administrator]).await;
    let run = bring(&clerk, file(&[SHOKO, HANAKO]).as_bytes()).await;
    for path in [run.clone(), format!("{run}/progress")] {
        assert_eq!(stranger.get(&path).await.status, 404, "{path}");
    }
    for verb in ["compare", "start", "cancel", "errors"] {
        assert_eq!(press(&stranger, &run, verb).await.status, 404, "{verb}");
    }
    assert!(clerk.get(&run).await.text.contains("列の対応"));
}

// security.md 42
#[tokio::test]
async fn so_many_losses_must_be_agreed_to_by_whoever_has_just_proven_a_second_factor() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = compared(&app, &clerk, file(&[HANAKO]).as_bytes()).await;
    let page = clerk.get(&run).await.text;
    assert!(
        page.contains("合わせて5％を超えています") && page.contains("name=\"agree\""),
        "{page}"
    );
    let answer = press(&clerk, &run, "start").await;
    assert!(
        answer.text.contains("資格喪失の人数を確かめてください"),
        "{}",
        answer.text
    );
    app.later(601);
    let agreed = clerk.post(&format!("{run}/start"), &[("agree", "1")]).await;
    let back = format!("/console/prove?next={}%3Fagain%3D", run.replace('/', "%2F"));
    assert!(agreed.location().starts_with(&back), "{}", agreed.location());
    app.work().await;
    assert_eq!(app.insurer.count("persons", "present AND number = '105'").await, 1);
    let proven = app.in_another_browser(&clerk).await;
    assert_eq!(
        proven.post(&format!("{run}/start"), &[("agree", "1")]).await.status,
        303
    );
    app.work().await;
    assert_eq!(app.insurer.count("persons", "present AND number = '105'").await, 0);
}

#[tokio::test]
async fn which_header_means_which_column_is_chosen_once_and_kept() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let named = file(&[SHOKO, HANAKO]).replace("番号,枝番", "証番,枝番");
    let run = bring(&clerk, named.as_bytes()).await;
    let mut fields = chosen(&clerk.get(&run).await.text);
    let unclear = compare_as(&clerk, &run, &fields).await;
    assert!(unclear.text.contains("列の対応を確かめてください"), "{}", unclear.text);
    assert_eq!((fields[0].1.as_str(), fields[1].1.as_str()), ("0", ""));
    fields[1].1 = "1".to_owned();
    assert_eq!(compare_as(&clerk, &run, &fields).await.status, 303);
    app.work().await;
    assert!(clerk.get(&run).await.text.contains("変わる内容の確認"));
    app.later(1);
    let next = bring(&clerk, named.as_bytes()).await;
    let fields = chosen(&clerk.get(&next).await.text);
    assert_eq!(fields[1].1, "1", "the next file is read so too");
    // The draft of before made way.
    assert_eq!(clerk.get(&run).await.status, 404);
}

#[tokio::test]
async fn a_column_of_a_long_name_is_chosen_and_kept() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let long = format!("{}の番号", "とても長い見出しの".repeat(6));
    let named = file(&[SHOKO, HANAKO]).replace("番号,枝番", &format!("{long},枝番"));
    let run = bring(&clerk, named.as_bytes()).await;
    let mut fields = chosen(&clerk.get(&run).await.text);
    fields[1].1 = "1".to_owned();
    assert_eq!(compare_as(&clerk, &run, &fields).await.status, 303);
    app.work().await;
    let page = clerk.get(&run).await.text;
    assert!(page.contains("変わる内容の確認"), "{page}");
    app.later(1);
    let next = bring(&clerk, named.as_bytes()).await;
    assert_eq!(chosen(&clerk.get(&next).await.text)[1].1, "1");
}

// security.md 52
#[tokio::test]
async fn errors_are_shown_and_taken_along_as_a_file_that_no_spreadsheet_takes_for_formulas() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let mut rows = vec![SHOKO.to_owned()];
    for formula in ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t1"] {
        rows.push(format!("100,\"{formula}\",00,ケンポ　ハナコ,健保　花子,19900401,本人,"));
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let run = compared(&app, &clerk, file(&rows).as_bytes()).await;
    let page = clerk.get(&run).await.text;
    assert!(
        page.contains("取り込めませんでした") && page.contains("3行目"),
        "{page}"
    );
    assert_eq!(app.insurer.count("uploads", "purpose = 'roster'").await, 0);
    let path = format!("{run}/errors");
    // A link that somebody is led to takes nothing out.
    assert_eq!(clerk.get(&format!("{path}?encoding=utf8")).await.status, 303);
    let csv = clerk.post(&path, &[("encoding", "utf8")]).await;
    assert_eq!(csv.status, 200);
    assert!(csv.header("content-disposition").contains("attachment"));
    for line in csv.text.trim_start_matches('\u{FEFF}').lines() {
        for cell in line.split(',') {
            let cell = cell.trim_matches('"');
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{line}");
        }
    }
    let mark = clerk.mark(&path).await.unwrap();
    let request = clerk
        .request(Method::POST, &path)
        .header("Sec-Fetch-Site", "same-origin")
        .form(&[("encoding", "cp932"), ("for", mark.as_str())]);
    let bytes = request.send().await.unwrap().bytes().await.unwrap();
    assert!(bytes.starts_with(&[0x8D, 0x73]), "行");
    assert_eq!(
        trail(&app)
            .await
            .iter()
            .filter(|line| *line == "roster.errors staff")
            .count(),
        2
    );
    app.later(601);
    let late = clerk.post(&path, &[("encoding", "utf8")]).await;
    assert!(late.location().starts_with("/console/prove"), "{}", late.location());
}

#[tokio::test]
async fn what_is_empty_broken_off_too_large_or_no_table_leaves_nothing() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let utf16: Vec<u8> = std::iter::once(0xFEFF)
        .chain(HEADER.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let broken = form(file(&[SHOKO]).as_bytes());
    let broken = broken[..broken.len() - 20].to_vec();
    for (body, said) in [
        (form(b""), "ファイルが選ばれていないか、空です"),
        (form(b"%PDF-1.7 "), "CSVかExcelのファイルとして読めませんでした"),
        (form(&utf16), "CSVかExcelのファイルとして読めませんでした"),
        (form(b"PK\x03\x04 of no book"), "壊れたブック"),
        (broken, "ファイルの送信が途中で終わりました"),
    ] {
        let page = refused(&clerk, body).await;
        assert!(page.contains(said), "{said}: {page}");
        app.later(1);
    }
    let mark = clerk.mark(NEW).await.unwrap();
    let too_large = clerk
        .request(Method::POST, &format!("{NEW}?for={mark}"))
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "multipart/form-data; boundary=xyz")
        .header("Content-Length", (600_u64 << 20).to_string())
        .body(Vec::new());
    if let Ok(answer) = timeout(Duration::from_secs(5), clerk.send(too_large)).await {
        assert_eq!(answer.status, 303);
        let page = clerk.get(answer.location()).await.text;
        assert!(page.contains("ファイルが大きすぎます"), "{page}");
    }
    assert_eq!(
        (kept(&app).await, app.insurer.count("roster_runs", "true").await),
        (0, 0)
    );
}

// security.md 41
#[tokio::test]
async fn of_a_clerk_who_is_suspended_while_the_file_comes_nothing_is_kept() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let coming = HalfSent::new(&app, &clerk, NEW, &form(file(&[SHOKO]).as_bytes())).await;
    while app.insurer.count("roster_runs", "state = 'receiving'").await == 0 {
        sleep(Duration::from_millis(20)).await;
    }
    app.suspend(&clerk).await;
    let answer = coming.end().await;
    assert!(
        answer.starts_with("HTTP/1.1 303") && !answer.contains("/roster/runs/"),
        "{answer}"
    );
    assert_eq!(
        (kept(&app).await, app.insurer.count("roster_runs", "true").await),
        (0, 0)
    );
}

#[tokio::test]
async fn a_file_larger_than_a_piece_comes_in_sealed_pieces() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let rows: Vec<String> = (1_000..25_000)
        .map(|n| format!("100,{n},00,ケンポ　タロウ,,19850401,本人,"))
        .collect();
    let rows: Vec<&str> = [SHOKO].into_iter().chain(rows.iter().map(String::as_str)).collect();
    let run = bring(&clerk, file(&rows).as_bytes()).await;
    assert_eq!(kept(&app).await, 2);
    compare(&clerk, &run).await;
    app.work().await;
    let page = clerk.get(&run).await.text;
    assert!(page.contains("24000"), "{page}");
}

/// The insurer's roster is somebody else's for as long as this is held.
pub(crate) async fn held(app: &TestApp) -> database::TenantTransaction {
    use diesel_async::SimpleAsyncConnection as _;
    let tenant = app.app.ground.database.tenant(app.tenant());
    let mut tx = tenant.write(database::Durability::Safe).await.unwrap();
    tx.batch_execute(&format!(
        "SELECT FROM roster_heads WHERE tenant_id = {} FOR UPDATE",
        app.tenant()
    ))
    .await
    .unwrap();
    tx
}

#[tokio::test]
async fn a_blank_file_has_the_headers_to_fill_in() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let whole = clerk.get("/console/roster/blank?kind=whole").await.text;
    assert!(
        whole.starts_with("\u{FEFF}被保険者証記号,番号,枝番,") && !whole.contains("異動区分"),
        "{whole}"
    );
    let delta = clerk.get("/console/roster/blank?kind=delta").await.text;
    assert!(delta.contains("異動区分"), "{delta}");
}

// security.md 58
#[tokio::test]
async fn what_nobody_went_on_with_is_forgotten_after_seven_days() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    bring(&clerk, file(&[SHOKO]).as_bytes()).await;
    app.later(7 * 86_400);
    let mut tx = app
        .app
        .ground
        .database
        .tenant(app.tenant())
        .write(database::Durability::Safe)
        .await
        .unwrap();
    assert_eq!(roster::runs::sweep(&mut tx, app.clock().now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
}
