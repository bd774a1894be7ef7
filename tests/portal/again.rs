//! A refused form leads back to its page, which says what was refused and holds what was typed: once more on a reload,
//! and for nobody else.

use super::{leads, says};
use kernel::TenantId;
use reqwest::Method;
use testkit::{Answer, Client, MARK, PASSWORD, TestApp, TestPerson, lines_within, owner_url, unique};

/// A form as the browser sends it, its answer as it comes.
async fn sent(client: &Client, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mark = client.mark(path).await;
    let mut fields = fields.to_vec();
    fields.extend(mark.as_deref().map(|mark| (MARK, mark)));
    let request = client
        .request(Method::POST, path)
        .header("Sec-Fetch-Site", "same-origin");
    client.send(request.form(&fields)).await
}

/// Says that something is to be mended.
fn errs(page: &Answer) -> bool {
    page.text.contains("id=\"errs\"")
}

fn again(client: &Client) -> String {
    client.cookie("__Host-again").unwrap_or_default()
}

#[tokio::test]
async fn every_refused_form_leads_to_its_page_with_what_was_typed_and_no_secret() {
    let app = TestApp::start().await;
    let (signing_up, ..) = app.waiting_for_code().await;
    let (member, _) = app.member().await;
    let code = "/portal/account/email/code";
    let new = format!("{}@example.jp", unique("new"));
    leads(
        &member
            .post(
                "/portal/account/email",
                &[("current_password", PASSWORD), ("email", &new)],
            )
            .await,
        code,
    );
    let secret = "Himitsu#2026";
    for (client, path, fields, kept) in [
        (
            app.client(),
            "/portal/signup",
            vec![("kana_name", "健保"), ("birth_year", "1980")],
            "健保",
        ),
        (app.client(), "/portal/user-id", vec![("number", "12a")], "12a"),
        (
            app.client(),
            "/portal/",
            vec![("user_id", "nobody"), ("password", secret)],
            "nobody",
        ),
        (
            app.client(),
            "/portal/password",
            vec![("user_id", "健保 太郎")],
            "健保 太郎",
        ),
        (
            signing_up.clone(),
            "/portal/signup/account",
            vec![("user_id", "a.b"), ("password", secret), ("email", "x@")],
            "a.b",
        ),
        (signing_up.clone(), "/portal/signup/code", vec![("code", "12")], ""),
        (
            member.clone(),
            "/portal/account/email",
            vec![("current_password", secret), ("email", "x@")],
            "x@",
        ),
        (member.clone(), code, vec![("code", "12")], ""),
        (
            member.clone(),
            "/portal/account/password",
            vec![("current_password", secret), ("password", secret)],
            "",
        ),
        (
            app.client(),
            "/portal/password",
            vec![("user_id", "\"><script>")],
            "&#34;&#62;&#60;script&#62;",
        ),
    ] {
        let answer = sent(&client, path, &fields).await;
        let (page, _) = answer.location().split_once("?again=").unwrap_or_default();
        assert_eq!((answer.status.as_u16(), page), (303, path), "{}", answer.text);
        let cookie = again(&client);
        assert!(!cookie.is_empty() && cookie.len() < 2048, "{path}: {cookie}");
        // Once, and again on a reload.
        for _ in 0..2 {
            let page = client.get(answer.location()).await;
            says(&page, 200, "<title>エラー：");
            if !kept.is_empty() {
                says(&page, 200, &format!("value=\"{kept}\""));
            }
            for private in [secret, "name=\"code\" type=\"text\" value=\"12\"", "\"><script>"] {
                assert!(!page.text.contains(private), "{path}: {private}");
            }
        }
        // Back leads to the page as it was.
        let page = client.get(path).await;
        assert!(page.status == 200 && !errs(&page), "{path}: {}", page.text);
        // Nor does another browser learn it from the address.
        let stranger = client.stranger().get(answer.location()).await;
        assert!(!errs(&stranger), "{path}");
    }
}

// security.md 63
#[tokio::test]
async fn what_was_typed_is_of_its_form_its_token_and_whom_it_was_shown_for() {
    let app = TestApp::start().await;
    let client = app.client();
    let first = sent(&client, "/portal/password", &[("user_id", "健保 一")]).await;
    let earlier = again(&client);
    let second = sent(&client, "/portal/password", &[("user_id", "健保 二")]).await;
    assert!(!errs(&client.get(first.location()).await), "one form at a time");
    says(&client.get(second.location()).await, 200, "健保 二");
    let (_, token) = second.location().split_once('?').unwrap();
    for page in ["/portal/", "/portal/signup", "/portal/user-id", "/portal/help"] {
        let page = client.get(&format!("{page}?{token}")).await;
        assert!(!errs(&page) && !page.text.contains("健保 二"));
    }
    for odd in ["again=", "again=x", "again=%FF", "again=7.A&again=", "again[]=1"] {
        assert!(!errs(&client.get(&format!("/portal/password?{odd}")).await), "{odd}");
    }
    for forged in ["x", &earlier, &earlier[1..]] {
        client.set_cookie("__Host-again", forged);
        assert!(!errs(&client.get(second.location()).await), "{forged}");
    }

    // A member's form is not the next one's who logs in here.
    let (member, _) = app.member().await;
    let refused = sent(&member, "/portal/account/email", &[("email", "mine@")]).await;
    says(&member.get(refused.location()).await, 200, "mine@");
    let kept = again(&member);
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let next = app.inside(&app.sign_up_as(&other).await).await;
    member.set_cookie("__Host-session", &next.cookie("__Host-session").unwrap());
    let page = member.get(refused.location()).await;
    assert!(
        page.status == 200 && !errs(&page) && !page.text.contains("mine@"),
        "{}",
        page.text
    );
    // Log-out ends it.
    assert!(!kept.is_empty());
    leads(&member.press("/portal/logout").await, "/portal/");
    assert_eq!(again(&member), "");
}

#[tokio::test]
async fn the_next_form_that_is_sent_ends_it_and_so_does_an_hour() {
    let app = TestApp::start().await;
    let client = app.client();
    let refused = sent(&client, "/portal/password", &[("user_id", "健保 太郎")]).await;
    leads(
        &client.send_form("/portal/signup", &app.identity(&app.person)).await,
        "/portal/signup/account",
    );
    assert_eq!(again(&client), "");
    assert!(!errs(&client.get(refused.location()).await));
    let refused = sent(&client, "/portal/password", &[("user_id", "健保 太郎")]).await;
    app.later(3599);
    assert!(errs(&client.get(refused.location()).await));
    app.later(1);
    assert!(!errs(&client.get(refused.location()).await));
}

/// The long form that a row holds, as it stands there.
async fn row(tenant: TenantId, answer: &Answer) -> Vec<String> {
    let (_, token) = answer.location().split_once("again=").unwrap();
    let query = format!("SELECT encode(sealed, 'escape') AS line FROM kept_forms WHERE form_id = '{token}'");
    lines_within(&owner_url(), Some(tenant), &query).await
}

#[tokio::test]
async fn what_is_too_long_for_a_cookie_is_kept_for_an_hour_sealed_in_a_row() {
    let app = TestApp::start().await;
    let long = "ながい".repeat(1000);
    let client = app.client();
    let identity = app.identity(&app.person).with("kana_name", &long);
    // Anybody's is tenant 0's, a member's is their insurer's.
    let public = client.send_form("/portal/signup", &identity).await;
    says(&public, 422, &long);
    let (member, _) = app.member().await;
    let address = format!("{}@example.jp", "x".repeat(3000));
    let fields = [("email", address.as_str()), ("current_password", "Himitsu#2026")];
    let members = member.post("/portal/account/email", &fields).await;
    says(&members, 422, &address);
    for (client, answer, tenant, typed) in [
        (&client, &public, TenantId::PLATFORM, "ながい"),
        (&member, &members, app.tenant(), "xxxxxxxx"),
    ] {
        assert!(again(client).len() < 400, "{}", again(client));
        let kept = row(tenant, answer).await;
        assert!(kept.len() == 1 && !kept[0].contains(typed) && !kept[0].contains("Himitsu"));
        says(&client.get(answer.location()).await, 200, typed);
        assert!(!errs(&client.stranger().get(answer.location()).await));
    }
    app.later(3600);
    assert!(!errs(&client.get(public.location()).await));
    assert!(!errs(&member.get(members.location()).await));
    let mut tx = app.write(app.tenant()).await;
    assert_eq!(pages::sweep(&mut tx, app.clock().now()).await.unwrap(), 1);
    assert_eq!(pages::sweep(&mut tx, app.clock().now()).await.unwrap(), 0);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn rows_of_long_forms_are_not_without_end_and_the_page_says_what_was_refused_all_the_same() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let until = app.clock().now() + chrono::TimeDelta::minutes(1);
    let crowd = format!(
        "INSERT INTO kept_forms SELECT {}, gen_random_uuid(), ''::bytea, '{until}'::timestamptz FROM generate_series(1, 1000)",
        app.tenant()
    );
    testkit::sql(app.tenant(), &crowd).await;
    let address = format!("{}@example.jp", "x".repeat(3000));
    let answer = member.post("/portal/account/email", &[("email", &address)]).await;
    says(&answer, 422, "今のパスワードを入力してください");
    assert!(!answer.text.contains(&address));
    assert!(row(app.tenant(), &answer).await.is_empty());
}

#[tokio::test]
async fn looking_a_user_id_up_after_a_mismatch_asks_nothing_twice() {
    let app = TestApp::start().await;
    let client = app.client();
    let wrong = app.identity(&app.person).with("kana_name", "ベツジン　ハナコ");
    let refused = client.send_form("/portal/signup", &wrong).await;
    let (_, rest) = refused.text.split_once("href=\"/portal/user-id?again=").unwrap();
    let (token, _) = rest.split_once('"').unwrap();
    assert!(!refused.location().contains("kana"));
    let page = client.get(&format!("/portal/user-id?again={token}")).await;
    says(&page, 200, "value=\"ベツジン　ハナコ\"");
    says(&page, 200, &format!("value=\"{}\"", app.insurer.code));
    assert!(!errs(&page));
    // Whoever comes another way finds an empty form.
    assert!(!client.get("/portal/user-id").await.text.contains("ベツジン"));
}

#[tokio::test]
async fn asking_for_a_mail_too_early_is_no_error() {
    let app = TestApp::start().await;
    let (client, ..) = app.waiting_for_code().await;
    let (member, _) = app.member().await;
    let new = format!("{}@example.jp", unique("new"));
    let ask = [("current_password", PASSWORD), ("email", new.as_str())];
    leads(
        &member.post("/portal/account/email", &ask).await,
        "/portal/account/email/code",
    );
    for (client, page) in [(client, "/portal/signup/code"), (member, "/portal/account/email/code")] {
        let answer = sent(&client, &format!("{page}/resend"), &[]).await;
        leads(&answer, page);
        let page = client.get(page).await;
        says(&page, 200, "さきほどメールをお送りしたばかりです");
        assert!(!errs(&page) && !page.text.contains("<title>エラー"));
    }
}
