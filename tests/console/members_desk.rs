//! What staff do for a member who has called, and what they note: each after a page that says what the member will see,
//! recorded and mailed; for a protected person by those alone who may see them.

use super::approvals;
use crate::portal::says;
use access::Role;
use chrono::TimeDelta;
use kernel::calendar;
use testkit::{Client, PASSWORD, SignedUp, TestApp, unique};

pub(super) struct Case {
    pub(super) app: TestApp,
    pub(super) client: Client,
    pub(super) who: SignedUp,
    /// The member's page.
    pub(super) page: String,
}

impl Case {
    pub(super) async fn new() -> Self {
        Box::pin(Self::with(|_| ())).await
    }

    async fn with(change: impl FnOnce(&mut madoguchi::config::Config)) -> Self {
        let app = Box::pin(TestApp::with("32290413", |_| (), change)).await;
        Box::pin(Self::of(app)).await
    }

    async fn of(app: TestApp) -> Self {
        let (client, who) = app.member().await;
        let id = app
            .insurer
            .lines("SELECT person_id::text AS line FROM persons")
            .await
            .remove(0);
        let page = format!("/console/members/{id}");
        Self { app, client, who, page }
    }

    pub(super) fn at(&self, way: &str) -> String {
        format!("{}/{way}", self.page)
    }

    pub(super) async fn protect(&self) {
        let person = self.page.rsplit('/').next().unwrap();
        let clerk = self.app.clerk(&[Role::Eligibility]).await;
        let fields = [("subject", person), ("person", person), ("reason", "支援措置")];
        assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    }

    pub(super) async fn trail(&self, action: &str) -> usize {
        let of = format!("action = '{action}' AND actor_kind = 'staff'");
        self.app.insurer.count("audit_events", &of).await
    }

    /// The subjects of what the member was mailed.
    pub(super) async fn mailed(&self, part: &str) -> usize {
        let mails = self.app.mails_to(&self.who.email).await;
        mails.iter().filter(|mail| mail.text.contains(part)).count()
    }
}

#[tokio::test]
async fn every_log_in_ends_after_a_page_that_says_what_the_member_will_see() {
    let case = Box::pin(Case::new()).await;
    let clerk = case.app.clerk(&[Role::CallCentre]).await;
    assert!(clerk.get(&case.page).await.text.contains(&case.at("logout")));
    let page = clerk.get(&case.at("logout")).await;
    assert!(
        page.status == 200 && page.text.contains("こう見えます"),
        "{}",
        page.text
    );
    assert_eq!(
        case.client.get("/portal/mypage").await.status,
        200,
        "nothing is done yet"
    );
    let done = clerk.post(&case.at("logout"), &[]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, case.page.as_str()));
    assert!(
        clerk
            .get(&case.page)
            .await
            .text
            .contains("1台の機器をログアウトしました")
    );
    assert_eq!(case.client.get("/portal/mypage").await.status, 303);
    assert_eq!(
        (
            case.trail("session.end_all").await,
            case.mailed("すべての機器から").await
        ),
        (1, 1)
    );
    // A second time there is nothing to mail.
    clerk.post(&case.at("logout"), &[]).await;
    assert_eq!(case.mailed("すべての機器から").await, 1);
    // They come in again as before.
    assert_eq!(case.app.inside(&case.who).await.get("/portal/mypage").await.status, 200);
}

#[tokio::test]
async fn what_wrong_passwords_and_codes_locked_is_free_again() {
    let case = Box::pin(Case::with(|config| config.limits.log_in_id_tries = 4)).await;
    let clerk = case.app.clerk(&[Role::CallCentre]).await;
    clerk.post(&case.at("unlock"), &[]).await;
    assert!(clerk.get(&case.page).await.text.contains("停止していません"));
    assert_eq!(
        (case.trail("account.unlock").await, case.mailed("停止を解除").await),
        (0, 0)
    );
    let wrong = [("user_id", case.who.user_id.as_str()), ("password", "wrong&1234")];
    for _ in 0..4 {
        assert_eq!(case.app.client().post("/portal/", &wrong).await.status, 422);
    }
    let locked = case.app.client().log_in(&case.who).await;
    assert!(locked.text.contains("ログインを止めています"), "{}", locked.text);
    let person = case.page.rsplit('/').next().unwrap();
    let codes =
        format!("INSERT INTO wrong_codes SELECT tenant_id, person_id, 100 FROM persons WHERE person_id = '{person}'");
    testkit::sql(case.app.tenant(), &codes).await;
    let page = clerk.get(&case.page).await;
    assert!(page.text.contains("ログインを止めています") && page.text.contains("認証番号の送信を止めています"));
    assert_eq!(clerk.post(&case.at("unlock"), &[]).await.status, 303);
    let page = clerk.get(&case.page).await;
    assert!(page.text.contains("停止を解除しました。"), "{}", page.text);
    assert!(!page.text.contains("ログインを止めています") && !page.text.contains("認証番号の送信を止めています"));
    let inside = case.app.client().log_in(&case.who).await;
    assert_eq!(inside.status, 303, "{}", inside.text);
    assert_eq!(
        (case.trail("account.unlock").await, case.mailed("停止を解除").await),
        (1, 1)
    );
}

// security.md 35
#[tokio::test]
async fn a_reset_goes_to_the_accounts_own_address_and_no_password_changes_by_it() {
    let case = Box::pin(Case::new()).await;
    let clerk = case.app.clerk(&[Role::CallCentre]).await;
    assert_eq!(clerk.get(&case.at("reset")).await.status, 200);
    assert_eq!(case.mailed("token=").await, 0);
    assert_eq!(clerk.post(&case.at("reset"), &[]).await.status, 303);
    let mails = case.app.mails_to(&case.who.email).await;
    let link = mails.iter().find_map(|mail| mail.text.split("token=").nth(1)).unwrap();
    let token = link.split_whitespace().next().unwrap();
    assert_eq!(
        case.client.get("/portal/mypage").await.status,
        200,
        "nobody is logged out by it"
    );
    let new = [("token", token), ("password", "Asagao3rin#")];
    assert_eq!(case.app.client().post("/portal/password/reset", &new).await.status, 303);
    let old = [("user_id", case.who.user_id.as_str()), ("password", PASSWORD)];
    assert_eq!(case.app.client().post("/portal/", &old).await.status, 422);
    assert_eq!(case.trail("password.mail_link").await, 1);
    // The page lists the mail, and no link.
    let page = clerk.get(&case.page).await;
    assert!(page.text.contains("パスワード再設定のご案内") && !page.text.contains(token));
}

#[tokio::test]
async fn an_account_is_closed_once_the_clerk_has_made_sure_and_once_only() {
    let case = Box::pin(Case::new()).await;
    let caller = case.app.clerk(&[Role::CallCentre]).await;
    assert!(!caller.get(&case.page).await.text.contains(&case.at("close")));
    assert_eq!(caller.post(&case.at("close"), &[("confirmed", "1")]).await.status, 403);
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let page = clerk.get(&case.at("close")).await;
    assert!(page.text.contains("元には戻せません"), "{}", page.text);
    let refused = clerk.post(&case.at("close"), &[]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("チェックを入れてください"), "{}", refused.text);
    assert_eq!(case.client.get("/portal/mypage").await.status, 200);
    assert_eq!(clerk.post(&case.at("close"), &[("confirmed", "1")]).await.status, 303);
    assert_eq!(case.client.get("/portal/mypage").await.status, 303);
    assert_eq!(case.app.client().log_in(&case.who).await.status, 422);
    assert_eq!(
        (case.trail("account.close").await, case.mailed("取りやめました").await),
        (1, 1)
    );
    let again = clerk.post(&case.at("close"), &[("confirmed", "1")]).await;
    assert_eq!(again.status, 303);
    assert!(clerk.get(&case.page).await.text.contains("登録していません"));
    assert_eq!(case.trail("account.close").await, 1);
}

pub(super) async fn ask_for(case: &Case, clerk: &Client, email: &str) {
    let asked = clerk.post(&case.at("email"), &[("email", email)]).await;
    assert_eq!(
        (asked.status.as_u16(), asked.location()),
        (303, case.at("email").as_str()),
        "{}",
        asked.text
    );
}

pub(super) async fn address(case: &Case) -> String {
    case.app
        .insurer
        .lines("SELECT email AS line FROM accounts")
        .await
        .remove(0)
}

// security.md 30
#[tokio::test]
async fn an_address_set_by_staff_is_told_to_the_old_one_at_once_proven_by_a_code_and_counts_after_a_day() {
    let case = Box::pin(Case::new()).await;
    let (new, old) = (format!("{}@example.jp", unique("new")), case.who.email.clone());
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let same = clerk.post(&case.at("email"), &[("email", &old)]).await;
    assert!(
        same.status == 422 && same.text.contains("今と同じメールアドレスです"),
        "{}",
        same.text
    );
    assert_eq!(clerk.post(&case.at("email"), &[("email", "x")]).await.status, 422);
    case.app.later(16);
    ask_for(&case, &clerk, &new).await;
    let ends = calendar::in_japan(case.app.clock().now() + TimeDelta::minutes(10));
    let ends = ends.format("有効期限は%-H時%-M分です").to_string();
    let page = clerk.get(&case.at("email")).await.text;
    assert!(page.contains(&ends), "not a minute too late: {page}");
    let told = case.app.mails_to(&old).await;
    let told = &told.first().unwrap().text;
    assert!(told.contains("メールアドレスを") && !told.contains(&new), "{told}");
    let code = case.app.code_for(&new).await;
    let wrong = clerk.post(&case.at("email/code"), &[("code", "000000")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    let right = clerk.post(&case.at("email/code"), &[("code", &code)]).await;
    assert_eq!(right.status, 303, "{}", right.text);
    assert!(clerk.get(&case.at("email")).await.text.contains("確認は済んでいます"));
    case.app.later(23 * 3600);
    case.app.work().await;
    assert_eq!(address(&case).await, old, "not before a day");
    case.app.later(3601);
    case.app.work().await;
    assert_eq!(address(&case).await, new);
    assert!(case.mailed("に変更されました").await == 1, "the old address is told");
    assert_eq!((case.trail("email.ask").await, case.trail("email.prove").await), (1, 2));
    assert_eq!(case.app.insurer.count("audit_events", "action = 'email.set'").await, 1);
    assert_eq!(case.app.insurer.count("desk_email_changes", "true").await, 0);
    // Password and user ID are as before.
    assert_eq!(case.app.client().log_in(&case.who).await.status, 303);
}

#[tokio::test]
async fn an_address_that_is_cancelled_not_proven_or_overtaken_by_the_members_own_never_counts() {
    let case = Box::pin(Case::new()).await;
    let old = case.who.email.clone();
    let mut clerk = case.app.clerk(&[Role::Eligibility]).await;
    // Cancelled after it was proven.
    let new = format!("{}@example.jp", unique("new"));
    ask_for(&case, &clerk, &new).await;
    let code = case.app.code_for(&new).await;
    assert_eq!(clerk.post(&case.at("email/code"), &[("code", &code)]).await.status, 303);
    assert_eq!(clerk.post(&case.at("email/cancel"), &[]).await.status, 303);
    assert_eq!(case.trail("email.cancel").await, 1);
    case.app.later(25 * 3600);
    case.app.work().await;
    assert_eq!(address(&case).await, old);
    // Not proven in time.
    clerk = case.app.in_another_browser(&clerk).await;
    let new = format!("{}@example.jp", unique("new"));
    ask_for(&case, &clerk, &new).await;
    let code = case.app.code_for(&new).await;
    case.app.later(25 * 3600);
    clerk = case.app.in_another_browser(&clerk).await;
    let late = clerk.post(&case.at("email/code"), &[("code", &code)]).await;
    assert_eq!(late.status, 303);
    assert!(
        clerk
            .get(&case.at("email"))
            .await
            .text
            .contains("手続き中の変更は、ありません")
    );
    case.app.work().await;
    assert_eq!(address(&case).await, old);
    // Overtaken by the member's own, which counts at once.
    ask_for(&case, &clerk, &format!("{}@example.jp", unique("new"))).await;
    let own = format!("{}@example.jp", unique("own"));
    let client = case.app.inside(&case.who).await;
    let fields = [("current_password", PASSWORD), ("email", own.as_str())];
    assert_eq!(client.post("/portal/account/email", &fields).await.status, 303);
    let code = case.app.code_for(&own).await;
    assert_eq!(
        client
            .post("/portal/account/email/code", &[("code", &code)])
            .await
            .status,
        303
    );
    case.app.later(25 * 3600);
    case.app.work().await;
    assert_eq!(address(&case).await, own);
}

// security.md 42
#[tokio::test]
async fn an_address_asks_for_a_fresh_proof_and_another_code_for_it_does_not_begin_the_day_anew() {
    let case = Box::pin(Case::new()).await;
    let new = format!("{}@example.jp", unique("new"));
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    ask_for(&case, &clerk, &new).await;
    let counts = async || {
        case.app
            .insurer
            .lines("SELECT counts_at::text AS line FROM desk_email_changes")
            .await
    };
    let first = counts().await;
    let soon = clerk.post(&case.at("email"), &[("email", &new)]).await;
    assert_eq!(soon.location(), case.at("email"));
    assert_eq!(case.app.mails_to(&new).await.len(), 1);
    case.app.later(120);
    ask_for(&case, &clerk, &new).await;
    assert_eq!((case.app.mails_to(&new).await.len(), counts().await), (2, first));
    assert_eq!(case.mailed("お申し出を受け付けました").await, 1);
    case.app.later(601);
    let stale = clerk.post(&case.at("email/cancel"), &[]).await;
    assert!(stale.location().starts_with("/console/prove"), "{}", stale.location());
    let caller = case.app.clerk(&[Role::CallCentre]).await;
    assert_eq!(caller.post(&case.at("email"), &[("email", &new)]).await.status, 403);
}

#[tokio::test]
async fn notes_are_sealed_read_by_those_who_support_members_and_struck_out_by_their_author_alone() {
    let case = Box::pin(Case::new()).await;
    let author = case.app.clerk_named("応対　一子", &[Role::CallCentre]).await;
    let colleague = case.app.clerk_named("応対　二郎", &[Role::Eligibility]).await;
    let notes = case.at("notes");
    let refused = author.post(&notes, &[("note", " ")]).await;
    assert!(
        refused.status == 422 && refused.text.contains("記録を入力してください"),
        "{}",
        refused.text
    );
    assert_eq!(author.post(&notes, &[("note", &"あ".repeat(1001))]).await.status, 422);
    let text = "機種変更の相談 <b>太字</b>";
    assert_eq!(author.post(&notes, &[("note", text)]).await.status, 303);
    assert_eq!(case.trail("note.add").await, 1);
    let page = colleague.get(&case.page).await;
    for shown in ["機種変更の相談 &#60;b&#62;", "応対　一子"] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert_eq!(
        case.app
            .insurer
            .count("member_notes", "position(convert_to('機種', 'UTF8') in text) = 0")
            .await,
        1
    );
    let viewer = case.app.clerk(&[Role::Viewer]).await;
    assert!(!viewer.get(&case.page).await.text.contains("機種変更"));
    assert_eq!(viewer.post(&notes, &[("note", "x")]).await.status, 403);
    let support = case.app.support().await;
    assert!(!support.get(&case.page).await.text.contains("機種変更"));
    let id = case
        .app
        .insurer
        .lines("SELECT note_id::text AS line FROM member_notes")
        .await
        .remove(0);
    let strike = format!("{notes}/{id}/strike");
    assert!(!page.text.contains(&strike), "another's");
    assert_eq!(colleague.post(&strike, &[]).await.status, 404);
    assert!(author.get(&case.page).await.text.contains(&strike));
    assert_eq!(author.post(&strike, &[]).await.status, 303);
    assert_eq!(author.post(&strike, &[]).await.status, 404, "once");
    assert_eq!(case.trail("note.strike").await, 1);
    let page = colleague.get(&case.page).await;
    assert!(
        page.text.contains("<s>機種変更の相談") && page.text.contains("取り消し済み"),
        "{}",
        page.text
    );
    // Two years later it is gone.
    let sweep = async || {
        let now = case.app.clock().now();
        let mut tx = case.app.write(case.app.tenant()).await;
        members::sweep(&mut tx, now).await.unwrap();
        tx.commit().await.unwrap();
        case.app.insurer.count("member_notes", "true").await
    };
    case.app.later(729 * 24 * 3600);
    assert_eq!(sweep().await, 1);
    case.app.later(2 * 24 * 3600);
    assert_eq!(sweep().await, 0);
}

// security.md 74
#[tokio::test]
async fn for_a_protected_person_nobody_does_anything_who_may_not_see_them_nor_support_for_anybody() {
    let case = Box::pin(Case::new()).await;
    let support = case.app.support().await;
    let ways = ["logout", "unlock", "reset", "close", "email"];
    for way in ways {
        assert_eq!(support.get(&case.at(way)).await.status, 403, "{way}");
        assert_eq!(
            support.post(&case.at(way), &[("confirmed", "1")]).await.status,
            403,
            "{way}"
        );
    }
    case.protect().await;
    let caller = case.app.clerk(&[Role::CallCentre]).await;
    for way in ["logout", "unlock", "reset"] {
        assert_eq!(caller.get(&case.at(way)).await.status, 403, "{way}");
        assert_eq!(caller.post(&case.at(way), &[]).await.status, 403, "{way}");
    }
    assert_eq!(caller.post(&case.at("notes"), &[("note", "x")]).await.status, 403);
    assert_eq!(case.client.get("/portal/mypage").await.status, 200);
    assert_eq!(case.mailed("token=").await, 0);
    // Those who may see them do.
    let clerk = case.app.clerk(&[Role::Administrator]).await;
    assert_eq!(clerk.post(&case.at("reset"), &[]).await.status, 303);
    assert_eq!(case.mailed("token=").await, 1);
}

// security.md 72
#[tokio::test]
async fn what_the_desk_has_mailed_again_and_again_fills_nobodys_mailbox() {
    let case = Box::pin(Case::new()).await;
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let new = format!("{}@example.jp", unique("new"));
    // Taken back and begun anew it waits for no minute, and for all its sends again.
    for _ in 0..5 {
        ask_for(&case, &clerk, &new).await;
        assert_eq!(clerk.post(&case.at("email/cancel"), &[]).await.status, 303);
        assert_eq!(clerk.post(&case.at("reset"), &[]).await.status, 303);
    }
    assert_eq!(clerk.post(&case.at("reset"), &[]).await.status, 429);
    clerk.post(&case.at("email"), &[("email", &new)]).await;
    assert_eq!(case.app.insurer.count("desk_email_changes", "true").await, 0);
    for action in ["email.ask", "password.mail_link"] {
        assert_eq!(case.trail(action).await, 5, "{action}");
    }
    case.app.later(3600);
    let clerk = case.app.in_another_browser(&clerk).await;
    assert_eq!(clerk.post(&case.at("reset"), &[]).await.status, 303);
}

#[tokio::test]
async fn where_four_eyes_are_on_an_address_waits_for_another_and_then_goes_its_usual_way() {
    let eyes = |folder: &mut tenancy::Folder| {
        folder.settings.approvals.say(tenancy::ApprovalAction::MemberMail, true);
    };
    let app = Box::pin(TestApp::with("32290413", eyes, |_| ())).await;
    let case = Box::pin(Case::of(app)).await;
    let (asks, agrees) = (
        case.app.clerk(&[Role::Eligibility]).await,
        case.app.clerk(&[Role::Eligibility]).await,
    );
    case.app.later(8 * 24 * 3600);
    let (asks, agrees) = (
        case.app.in_another_browser(&asks).await,
        case.app.in_another_browser(&agrees).await,
    );
    let new = format!("{}@example.jp", unique("new"));
    ask_for(&case, &asks, &new).await;
    assert!(asks.get(&case.at("email")).await.text.contains("承認を待っています"));
    assert_eq!(case.app.insurer.count("desk_email_changes", "true").await, 0);
    assert!(case.app.mails_to(&new).await.is_empty(), "nobody is mailed before");
    let wish = "SELECT approval_id::text AS line FROM approvals";
    let wish = format!("/console/approvals/{}", case.app.insurer.lines(wish).await.remove(0));
    approvals::told(&[&asks, &agrees], &[&case.at("email"), &case.page], &wish).await;
    // A second wish about the same account is none, whatever it says.
    for other in [&*new, "another@example.jp"] {
        let second = agrees.post(&case.at("email"), &[("email", other)]).await;
        says(&second, 409, "ほかの職員の申請が、承認を待っています");
    }
    let shown = agrees.get(&wish).await;
    assert!(
        shown.text.contains(&new) && shown.text.contains(&case.who.email),
        "{}",
        shown.text
    );
    let done = agrees.post(&format!("{wish}/agree"), &[]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(case.mailed("お申し出を受け付けました").await, 1);
    // Another code for it asks nobody anew.
    case.app.later(120);
    ask_for(&case, &asks, &new).await;
    assert_eq!(case.app.insurer.count("approvals", "true").await, 1);
    let code = case.app.code_for(&new).await;
    let right = asks.post(&case.at("email/code"), &[("code", &code)]).await;
    assert_eq!(right.status, 303, "{}", right.text);
    case.app.later(24 * 3600);
    case.app.work().await;
    assert_eq!(address(&case).await, new);
}
