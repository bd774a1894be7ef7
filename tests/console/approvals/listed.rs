//! Lists say what each wish is about, so that two of one action are told apart; whoever is named in one was looked at.

use super::{APPROVALS, agree, app, ask_to_lift, clerks, protected, wish};
use crate::{
    console::notices::{publish, write},
    portal::says,
};
use access::Role;
use tenancy::ApprovalAction;
use testkit::{Answer, TestClerk, TestPerson};

const STAFF: &str = "/console/staff";
/// Above the invitations that wait.
const WAITS: &str = "承認を待っている招待";

async fn invite(boss: &TestClerk, name: &str, email: &str) -> Answer {
    let fields = [("email", email), ("name", name), ("role", "administrator")];
    boss.post("/console/staff/invite", &fields).await
}

#[tokio::test]
async fn each_wish_is_listed_with_what_it_is_about() {
    let app = app(&[ApprovalAction::Notice, ApprovalAction::Export]).await;
    let [asker, other] = clerks(&app, &[Role::Administrator]).await;
    let third = app.clerk_named("見田　三子", &[Role::Viewer]).await;
    app.insurer.import(&[TestPerson::new(105)]).await;
    let draft = write(&asker, &[("title", "健診のご案内")]).await;
    assert_eq!(publish(&asker, &draft).await.status, 303);
    ask_to_lift(&asker, &protected(&app, &asker).await).await;
    let factor = format!("{STAFF}/{}/factor", third.staff_id);
    assert_eq!(asker.post(&factor, &[]).await.status, 303);
    for (name, email) in [("四谷　四郎", "shiro@example.jp"), ("五島　五郎", "goro@example.jp")] {
        assert_eq!(invite(&asker, name, email).await.status, 303);
    }
    let file = [
        ("code", ""),
        ("symbol", ""),
        ("registered", "no"),
        ("encoding", "utf-8"),
    ];
    assert_eq!(asker.post("/console/letters/file", &file).await.status, 303);
    let looks = "action = 'people.look' AND detail->>'what' = 'approvals' AND (detail->>'people')::int = 1";
    assert_eq!(app.insurer.count("audit_events", looks).await, 0);
    let about = [
        "健保　祥子",
        "見田　三子",
        "四谷 四郎",
        "五島 五郎",
        "健診のご案内",
        "発送会社に渡すCSV",
    ];
    for (clerk, list) in [(&other, "waiting"), (&asker, "asked")] {
        let page = clerk.get(&format!("{APPROVALS}?list={list}")).await;
        for about in about {
            says(&page, 200, &format!("data-l=\"対象\">{about}</td>"));
        }
    }
    assert_eq!(app.insurer.count("audit_events", looks).await, 2);
}

#[tokio::test]
async fn a_text_that_is_new_is_shown_as_it_is_and_not_as_a_difference_from_nothing() {
    let app = app(&[ApprovalAction::Notice]).await;
    let [asker, other] = clerks(&app, &[Role::NoticeEditor]).await;
    app.insurer.import(&[TestPerson::new(105)]).await;
    let draft = write(&asker, &[("body", "## 健診\n\n**今年**も行います。")]).await;
    assert_eq!(publish(&asker, &draft).await.status, 303);
    let page = other.get(&wish(&app).await).await;
    says(&page, 200, "<p>## 健診<br><br>**今年**も行います。</p>");
    assert!(!page.text.contains("<table class=\"compare\">"), "{}", page.text);
}

#[tokio::test]
async fn an_invitation_that_waits_is_told_on_the_list_of_staff() {
    let app = app(&[]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let auditor = app.clerk(&[Role::Auditor]).await;
    assert!(!boss.get(STAFF).await.text.contains(WAITS));
    assert_eq!(invite(&boss, "四谷　四郎", "shiro@example.jp").await.status, 303);
    let wish = wish(&app).await;
    for clerk in [&boss, &other, &auditor] {
        let page = clerk.get(STAFF).await;
        says(&page, 200, WAITS);
        says(&page, 200, "四谷 四郎さん");
        // Who may not open the wish is not led to it.
        assert_eq!(page.text.contains(&wish), clerk.staff_id != auditor.staff_id);
    }
    assert_eq!(agree(&other, &wish).await.status, 303);
    let page = boss.get(STAFF).await;
    says(&page, 200, "招待中");
    assert!(!page.text.contains(WAITS));
}
