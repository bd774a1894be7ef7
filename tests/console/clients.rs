//! 連携先: programs of other systems, made, looked at, changed and shut out by an insurer's administrators; vendors' by the
//! platform.

mod changing;
mod vendors;

use crate::portal::{leads, says};
use access::Role;
use reqwest::Method;
use serde_json::Value;
use testkit::{Answer, TestApp, TestClerk};

const CLIENTS: &str = "/console/clients";
const NEW: &str = "/console/clients/new";

const TYPED: [(&str, &str); 6] = [
    ("name", "基幹システム"),
    ("contact", "system@example.jp"),
    ("scopes", "insurer.read"),
    ("scopes", "notices.read"),
    ("networks", "10.0.0.0/8\r\n203.0.113.5"),
    ("expires_on", "令和9年3月31日"),
];

/// What its program gets.
struct Made {
    /// Its page.
    path: String,
    client_id: String,
    secret: String,
}

/// What stands in an element of a page.
fn text_of<'a>(page: &'a str, id: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("id=\"{id}\">"))?;
    rest.split('<').next()
}

/// What a post that makes a secret leads to.
async fn shown(clerk: &TestClerk, posted: &Answer) -> Made {
    assert_eq!(posted.status, 303, "{}", posted.text);
    let path = posted.location().strip_suffix("/secret").expect("a page of a secret");
    let page = clerk.get(posted.location()).await;
    says(&page, 200, "この画面は、1回だけ表示されます");
    Made {
        path: path.to_owned(),
        client_id: text_of(&page.text, "client_id").unwrap().to_owned(),
        secret: text_of(&page.text, "client_secret").unwrap().to_owned(),
    }
}

async fn made(clerk: &TestClerk) -> Made {
    shown(clerk, &clerk.post(NEW, &TYPED).await).await
}

/// A token for a program, or why there is none.
async fn token(app: &TestApp, made: &Made, more: &[(&str, &str)]) -> Result<String, Value> {
    let client = app.client();
    let fields = [&[("grant_type", "client_credentials")], more].concat();
    let request = client
        .request(Method::POST, "/api/v1/oauth/token")
        .basic_auth(&made.client_id, Some(&made.secret))
        .form(&fields);
    let answer = client.send(request).await.json();
    match &answer["access_token"] {
        Value::String(token) => Ok(token.clone()),
        _ => Err(answer["error"].clone()),
    }
}

/// How the program's own operation answers to a token.
async fn enters(app: &TestApp, token: &str) -> u16 {
    let answer = app.client().call(Method::GET, "/client", Some(token), None).await;
    answer.status.as_u16()
}

async fn deed(clerk: &TestClerk, made: &Made, verb: &str) -> Answer {
    clerk.press(&format!("{}/{verb}", made.path)).await
}

/// What was done with programs, in no order: time stands still in a test.
async fn trail(app: &TestApp) -> Vec<String> {
    let query = "SELECT concat_ws(' ', action, actor_kind, channel, outcome) AS line FROM audit_events
        WHERE action LIKE 'client.%' AND action <> 'client.enter'";
    sorted(app.insurer.lines(query).await)
}

/// These deeds of a clerk's, as the trail has them.
fn by_staff<const N: usize>(verbs: [&str; N]) -> Vec<String> {
    sorted(verbs.map(|verb| format!("client.{verb} staff console done")).into())
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

// security.md 61
#[tokio::test]
async fn a_program_is_made_with_a_secret_that_is_shown_once_and_with_which_it_comes_in() {
    let app = TestApp::start().await;
    let boss = app.clerk_named("管理　一郎", &[Role::Administrator]).await;
    let list = boss.get(CLIENTS).await;
    says(&list, 200, "連携先はまだありません");
    for address in ["/api/v1</span>", "/api/v1/oauth/token</span>", "/api/\">"] {
        says(&list, 200, address);
    }
    let made = made(&boss).await;
    assert!(made.secret.starts_with("mdg_cs_"), "{}", made.secret);
    assert!(
        made.client_id.starts_with(&format!("cl_{}_", app.tenant())),
        "{}",
        made.client_id
    );
    // Once: the same page shows nothing any more, and no other does.
    let page = boss.get(&format!("{}/secret", made.path)).await;
    says(&page, 200, "秘密鍵は、作ったときに1回だけ表示されます");
    for page in [page, boss.get(&made.path).await, boss.get(CLIENTS).await] {
        assert!(!page.text.contains(&made.secret), "{}", page.text);
    }
    // Nor does any row hold it.
    let rows = "SELECT to_jsonb(c)::text || to_jsonb(s)::text AS line FROM clients AS c, client_secrets AS s
        UNION ALL SELECT detail::text FROM audit_events";
    let (_, secret) = made.secret.split_once('.').unwrap();
    for row in app.insurer.lines(rows).await {
        assert!(!row.contains(secret), "{row}");
        assert!(!row.contains("system@example.jp"), "{row}");
    }
    let listed = boss.get(CLIENTS).await;
    for said in [
        "基幹システム",
        "この保険者",
        "利用中",
        "お知らせを見る",
        "まだありません",
        "2027年（令和9年）3月31日",
    ] {
        says(&listed, 200, said);
    }
    let one = boss.get(&made.path).await;
    for said in [
        &*made.client_id,
        "system@example.jp",
        "10.0.0.0/8、203.0.113.5/32",
        "notices.read",
        "連携先の追加",
        "管理　一郎",
    ] {
        says(&one, 200, said);
    }
    let token = token(&app, &made, &[]).await.unwrap();
    assert_eq!(enters(&app, &token).await, 200);
    assert_eq!(trail(&app).await, ["client.create staff console done"]);
    // The trail names the program, also once it is shut out for good; its page is for whoever may open it.
    leads(&deed(&boss, &made, "revoke").await, &made.path);
    let (named, link) = (
        "連携先「基幹システム」",
        format!("<a href=\"{}\">連携先「基幹システム」</a>", made.path),
    );
    let auditor = app.clerk(&[Role::Auditor]).await;
    for (clerk, is_led) in [(&boss, true), (&auditor, false)] {
        let list = clerk.get("/console/audit?action=token.issue").await;
        says(&list, 200, named);
        assert_eq!(list.text.contains(&link), is_led, "{}", list.text);
        let (_, line) = list.text.split_once("href=\"/console/audit/lines/").unwrap();
        let line = clerk
            .get(&format!("/console/audit/lines/{}", line.split('"').next().unwrap()))
            .await;
        says(&line, 200, named);
        assert_eq!(line.text.contains(&link), is_led, "{}", line.text);
    }
    // A file holds what was before it was asked for.
    app.later(1);
    let file = [("action", "token.issue"), ("encoding", "utf-8")];
    says(&auditor.post("/console/audit/file", &file).await, 200, named);
}

// security.md 61
#[tokio::test]
async fn a_secret_is_shown_to_the_session_that_made_it_alone_and_asking_whether_the_page_is_there_spends_it_not() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let posted = boss.post(NEW, &TYPED).await;
    let page = posted.location().to_owned();
    let elsewhere = app.in_another_browser(&boss).await;
    elsewhere.set_cookie("__Host-console-client", &boss.cookie("__Host-console-client").unwrap());
    says(&elsewhere.get(&page).await, 200, "新しく作ってください");
    let head = boss.send(boss.request(Method::HEAD, &page)).await;
    assert_eq!(head.status, 200);
    // Of another client's page it is not shown either.
    let other = shown(&elsewhere, &elsewhere.post(NEW, &TYPED).await).await;
    says(
        &boss.get(&format!("{}/secret", other.path)).await,
        200,
        "新しく作ってください",
    );
    let again = app.clerk(&[Role::Administrator]).await;
    let posted = again.post(NEW, &TYPED).await;
    let head = again.send(again.request(Method::HEAD, posted.location())).await;
    assert_eq!(head.status, 200);
    shown(&again, &posted).await;
    // Nor does it wait for long.
    let late = again.post(NEW, &TYPED).await;
    app.later(301);
    says(&again.get(late.location()).await, 200, "新しく作ってください");
}

#[tokio::test]
async fn what_is_wrong_in_the_form_is_told_at_once_and_nothing_is_made() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let empty = boss.post(NEW, &[]).await;
    for said in [
        "連携先の名前を入力してください",
        "連絡先メールアドレスを入力してください",
        "権限の範囲を、1つ以上選んでください",
    ] {
        says(&empty, 422, said);
    }
    let wrong = [
        ("name", "基幹システム"),
        ("contact", "担当"),
        ("scopes", "notices.write"),
        ("networks", "example.jp"),
        ("expires_on", "来年"),
    ];
    let refused = boss.post(NEW, &wrong).await;
    for said in [
        "連絡先メールアドレスは、name@example.jp のような形で入力してください",
        "連携先のネットワークは、",
        "最後に使える日は、2027-03-31や令和9年3月31日のように入力してください",
        "value=\"基幹システム\"",
        "value=\"notices.write\" checked",
        "example.jp</textarea>",
        "value=\"来年\"",
    ] {
        says(&refused, 422, said);
    }
    for (name, value) in [
        ("expires_on", "2026-01-01"),
        ("scopes", "members.all"),
        ("networks", "203.0.113.0/33"),
    ] {
        let fields: Vec<_> = TYPED.into_iter().filter(|(known, _)| *known != name).collect();
        let refused = boss.post(NEW, &[fields.as_slice(), &[(name, value)]].concat()).await;
        assert_eq!(refused.status, 422, "{name}: {}", refused.text);
    }
    // Written as is asked for, and long over.
    let fields: Vec<_> = TYPED.into_iter().filter(|(known, _)| *known != "expires_on").collect();
    let over = [fields.as_slice(), &[("expires_on", "平成9年3月31日")]].concat();
    let refused = boss.post(NEW, &over).await;
    says(&refused, 422, "最後に使える日は、明日以降の日付を入力してください");
    assert_eq!(app.insurer.count("clients", "true").await, 0);
    assert!(trail(&app).await.is_empty());
}

// security.md 42
#[tokio::test]
async fn without_a_proof_of_late_nothing_is_made_or_done_and_what_was_typed_is_kept() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let made = made(&boss).await;
    app.later(601);
    for path in [
        NEW.to_owned(),
        format!("{}/change", made.path),
        format!("{}/rotate", made.path),
        format!("{}/suspend", made.path),
        format!("{}/revoke", made.path),
        format!("{CLIENTS}/vendor"),
    ] {
        let answer = boss.post(&path, &TYPED).await;
        assert!(
            answer.location().starts_with("/console/prove?next="),
            "{path}: {}",
            answer.text
        );
    }
    // Looking takes none.
    says(&boss.get(&made.path).await, 200, "利用中");
    assert_eq!(app.insurer.count("clients", "true").await, 1);
    assert_eq!(trail(&app).await, ["client.create staff console done"]);
}

#[tokio::test]
async fn a_new_secret_leaves_the_one_before_a_day_and_a_third_ends_the_first_at_once() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let first = made(&boss).await;
    says(
        &boss.get(&format!("{}/rotate", first.path)).await,
        200,
        "あと24時間使えます",
    );
    let posted = deed(&boss, &first, "rotate").await;
    let page = boss.get(posted.location()).await;
    says(&page, 200, "前の秘密鍵は、");
    let second = Made {
        path: first.path.clone(),
        client_id: first.client_id.clone(),
        secret: text_of(&page.text, "client_secret").unwrap().to_owned(),
    };
    assert_ne!(first.secret, second.secret);
    for made in [&first, &second] {
        assert!(token(&app, made, &[]).await.is_ok(), "both work");
    }
    says(&boss.get(&first.path).await, 200, "次に作るまで");
    let third = shown(&boss, &deed(&boss, &first, "rotate").await).await;
    assert_eq!(token(&app, &first, &[]).await.unwrap_err(), "invalid_client");
    assert!(token(&app, &second, &[]).await.is_ok());
    app.later(24 * 3600 + 1);
    assert_eq!(token(&app, &second, &[]).await.unwrap_err(), "invalid_client");
    assert!(token(&app, &third, &[]).await.is_ok());
}

#[tokio::test]
async fn a_suspended_program_is_out_with_the_next_call_and_a_revoked_one_for_good() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let made = made(&boss).await;
    let token_of = async || token(&app, &made, &[]).await;
    let before = token_of().await.unwrap();
    says(
        &boss.get(&format!("{}/suspend", made.path)).await,
        200,
        "次の呼び出しからつながらなくなります",
    );
    leads(&deed(&boss, &made, "suspend").await, &made.path);
    says(&boss.get(&made.path).await, 200, "停止しました");
    assert_eq!(enters(&app, &before).await, 401);
    assert_eq!(token_of().await.unwrap_err(), "invalid_client");
    // Twice is once, and the page says so.
    says(
        &boss.get(&format!("{}/suspend", made.path)).await,
        200,
        "すでに停止しています",
    );
    leads(&deed(&boss, &made, "suspend").await, &made.path);
    leads(&deed(&boss, &made, "resume").await, &made.path);
    assert_eq!(enters(&app, &before).await, 401, "tokens of before stay ended");
    let after = token_of().await.unwrap();
    assert_eq!(enters(&app, &after).await, 200);
    for said in ["連携を終了する", "終了すると、元に戻せません"] {
        says(&boss.get(&format!("{}/revoke", made.path)).await, 200, said);
    }
    leads(&deed(&boss, &made, "revoke").await, &made.path);
    assert_eq!(enters(&app, &after).await, 401);
    let page = boss.get(&made.path).await;
    for said in ["終了しました", ">終了</span>", "連携先の終了"] {
        says(&page, 200, said);
    }
    assert!(
        !page.text.contains("/rotate") && !page.text.contains("/change"),
        "{}",
        page.text
    );
    for verb in ["rotate", "resume"] {
        let asked = boss.get(&format!("{}/{verb}", made.path)).await;
        says(&asked, 200, "すでに終了しています");
        says(&deed(&boss, &made, verb).await, 409, "すでに終了しています");
    }
    let form = format!("{}/change", made.path);
    says(&boss.post(&form, &TYPED).await, 409, "すでに終了しています");
    assert_eq!(trail(&app).await, by_staff(["create", "suspend", "resume", "revoke"]));
}

#[tokio::test]
async fn what_a_program_may_do_is_changed_and_holds_for_its_next_call() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let made = made(&boss).await;
    let form = format!("{}/change", made.path);
    let page = boss.get(&form).await;
    for said in [
        "value=\"notices.read\" checked",
        "10.0.0.0/8\n203.0.113.5/32</textarea>",
        "value=\"2027-03-31\"",
    ] {
        says(&page, 200, said);
    }
    assert!(!page.text.contains("value=\"notices.write\" checked"));
    let held = token(&app, &made, &[]).await.unwrap();
    assert_eq!(enters(&app, &held).await, 200);
    says(
        &boss.post(&form, &[("expires_on", "x")]).await,
        422,
        "最後に使える日は、",
    );
    says(&boss.post(&form, &[]).await, 422, "権限の範囲を、1つ以上選んでください");
    leads(&boss.post(&form, &[("scopes", "notices.read")]).await, &made.path);
    let page = boss.get(&made.path).await;
    for said in ["変更しました", "どこからでも", "決めていません"] {
        says(&page, 200, said);
    }
    assert_eq!(enters(&app, &held).await, 403, "without insurer.read");
    leads(
        &boss
            .post(&form, &[("scopes", "insurer.read"), ("networks", "203.0.113.0/24")])
            .await,
        &made.path,
    );
    assert_eq!(enters(&app, &held).await, 401, "from elsewhere");
}

#[tokio::test]
async fn a_page_shows_the_calls_of_thirty_days_and_which_scopes_were_never_of_use() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let made = made(&boss).await;
    says(&boss.get(&made.path).await, 200, "30日間に、呼び出しはありませんでした");
    let (tenant, now) = (app.tenant(), app.clock().now());
    testkit::sql(
        tenant,
        &format!(
            "INSERT INTO client_days (tenant_id, grant_id, day, calls, errors, refused)
             SELECT tenant_id, grant_id, (timestamptz '{now}' AT TIME ZONE 'Asia/Tokyo')::date - back, 1000 * back, back, 1
             FROM client_grants, unnest('{{1, 3, 29, 30}}'::int[]) AS back WHERE tenant_id = {tenant};
             INSERT INTO client_scopes_used (tenant_id, grant_id, scope, last_used_at)
             SELECT tenant_id, grant_id, 'insurer.read', '{now}' FROM client_grants WHERE tenant_id = {tenant};
             UPDATE client_grants SET last_used_at = '{now}' WHERE tenant_id = {tenant};"
        ),
    )
    .await;
    let page = boss.get(&made.path).await;
    for said in [
        "30日間に33,000回の呼び出しがあり、そのうち33回は応じられませんでした",
        "一度も使っていない権限の範囲が1個あります",
        "まだ使っていません",
        "width=\"100\"",
    ] {
        says(&page, 200, said);
    }
    // From the first day with a call to today, and none before.
    assert_eq!(page.text.matches("class=\"bar\"").count(), 30, "{}", page.text);
}

// security.md 51
#[tokio::test]
async fn another_insurers_program_is_not_there_and_neither_is_it_for_who_manages_none() {
    let (app, elsewhere) = (TestApp::start().await, TestApp::start().await);
    let made = made(&app.clerk(&[Role::Administrator]).await).await;
    let stranger = elsewhere.clerk(&[Role::Administrator]).await;
    assert!(!stranger.get(CLIENTS).await.text.contains("基幹システム"));
    for page in ["", "/secret", "/change", "/rotate", "/suspend", "/resume", "/revoke"] {
        assert_eq!(
            stranger.get(&format!("{}{page}", made.path)).await.status,
            404,
            "{page}"
        );
    }
    for verb in ["change", "rotate", "suspend", "resume", "revoke"] {
        assert_eq!(deed(&stranger, &made, verb).await.status, 404, "{verb}");
    }
    // Nor can it be let in as a vendor's.
    let vendor = format!("{CLIENTS}/vendor");
    says(
        &stranger.get(&format!("{vendor}?client_id={}", made.client_id)).await,
        200,
        "登録されていません",
    );
    let fields = [("client_id", &*made.client_id), ("scopes", "insurer.read")];
    assert_eq!(stranger.post(&vendor, &fields).await.status, 422);
    let others: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|role| role.is_given() && ![Role::Administrator, Role::Workplace].contains(role))
        .collect();
    let colleague = app.clerk(&others).await;
    for page in [CLIENTS, NEW, &made.path] {
        assert_eq!(colleague.get(page).await.status, 403, "{page}");
    }
    assert!(token(&app, &made, &[]).await.is_ok());
}
