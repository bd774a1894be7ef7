//! お知らせ at the desk: writing one, publishing it to those whom it is for and to nobody else, and taking it from them again.

use super::approvals;
use access::{Reach, Role};
use tenancy::{ApprovalAction, PartFile};
use testkit::{Answer, Client, TestApp, TestClerk, TestPerson, sql};

const LIST: &str = "/console/notices";
const NEW: &str = "/console/notices/new";
const TITLE: &str = "人間ドックのご案内";

/// What a form of a draft to everybody sends, with more or other fields.
fn form<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("title", TITLE),
        ("body", "**12月25日**までにお申し込みください。"),
        ("aim", "everybody"),
    ];
    let kept = usual
        .into_iter()
        .filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more.iter().copied()).collect()
}

/// Writes a draft; its address.
async fn write(clerk: &TestClerk, more: &[(&str, &str)]) -> String {
    let answer = clerk.post(NEW, &form(more)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.location().to_owned()
}

async fn publish(clerk: &TestClerk, draft: &str) -> Answer {
    let version = version(clerk, &format!("{draft}/publish")).await;
    clerk.post(&format!("{draft}/publish"), &[("version", &version)]).await
}

/// Sends the form of a draft's first version whose page offers none, as where it was shown before the roster changed.
async fn publish_to_nobody(clerk: &TestClerk, draft: &str) -> Answer {
    clerk.post(&format!("{draft}/publish"), &[("version", "1")]).await
}

/// Writes and publishes; the address.
async fn published(clerk: &TestClerk, more: &[(&str, &str)]) -> String {
    let draft = write(clerk, more).await;
    assert_eq!(publish(clerk, &draft).await.status, 303);
    draft
}

/// What the page's form was shown with.
async fn version(clerk: &TestClerk, page: &str) -> String {
    let page = clerk.get(page).await;
    let after = page.text.split("name=\"version\" value=\"").nth(1);
    after.map_or_else(String::new, |rest| rest.split('"').next().unwrap().to_owned())
}

/// Where a member reads it.
fn read_at(notice: &str) -> String {
    notice.replace("/console/", "/portal/")
}

async fn sees(member: &Client, notice: &str) -> bool {
    let listed = member.get("/portal/notices").await.text.contains(&read_at(notice));
    let my_page = member.get("/portal/mypage").await.text.contains(&read_at(notice));
    let opened = member.get(&read_at(notice)).await.status;
    assert_eq!(listed, opened == 200, "{opened}");
    // The my page shows the newest alone.
    assert!(listed || !my_page);
    listed
}

async fn person(app: &TestApp, number: u32, branch: &str) -> String {
    let query =
        format!("SELECT person_id::text AS line FROM persons WHERE number = '{number}' AND branch = '{branch}'");
    app.insurer.lines(&query).await.remove(0)
}

async fn protect(app: &TestApp, subject: &str) {
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let fields = [("subject", subject), ("person", subject), ("reason", "事情")];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
}

fn child(number: u32) -> TestPerson {
    TestPerson {
        branch: "01".into(),
        relationship: "子".into(),
        kana_name: "ケンポ　コ".into(),
        name: "健保　子".into(),
        birth_date: "2015-04-01".into(),
        ..TestPerson::new(number)
    }
}

async fn trail(app: &TestApp, action: &str) -> usize {
    let lines = format!("action = '{action}' AND actor_kind = 'staff'");
    app.insurer.count("audit_events", &lines).await
}

#[tokio::test]
async fn a_draft_is_shown_as_a_member_reads_it_and_published_it_is_theirs_and_counted() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let draft = write(&clerk, &[]).await;
    let page = clerk.get(&draft).await;
    assert!(page.text.contains("<strong>12月25日</strong>"), "{}", page.text);
    assert!(!sees(&member, &draft).await);
    // In another session, as after the end of the one it was written in.
    let later = app.in_another_browser(&clerk).await;
    assert!(later.get(LIST).await.text.contains(TITLE));
    let page = later.get(&format!("{draft}/publish")).await;
    assert!(
        page.text.contains("<dd>1人</dd>") && page.text.contains("すべての加入者"),
        "{}",
        page.text
    );
    assert_eq!(publish(&later, &draft).await.status, 303);
    assert!(sees(&member, &draft).await);
    let page = clerk.get(&draft).await;
    assert!(
        page.text.contains("1人（公開したとき登録していた1人のうち）"),
        "{}",
        page.text
    );
    let list = clerk.get(LIST).await;
    assert!(
        list.text.contains("掲載中") && list.text.contains("下書きはありません"),
        "{}",
        list.text
    );
    assert_eq!(
        (trail(&app, "notice.draft").await, trail(&app, "notice.publish").await),
        (1, 1)
    );
    // Once more, as by a second press of the button.
    let again = clerk.post(&format!("{draft}/publish"), &[("version", "1")]).await;
    assert_eq!((again.status.as_u16(), again.location()), (303, draft.as_str()));
    assert_eq!(app.insurer.count("notices", "published_by IS NOT NULL").await, 1);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_once_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let wrong = [
        ("title", " "),
        ("aim", "group"),
        ("first_day", "2026-12-02"),
        ("last_day", "2026-12-01"),
        ("body", "消えない本文"),
    ];
    let answer = clerk.post(NEW, &form(&wrong)).await;
    assert_eq!(answer.status, 422);
    for field in ["#f-title", "#f-workplace", "#f-last_day"] {
        assert!(answer.text.contains(field), "{field} {}", answer.text);
    }
    assert!(answer.text.contains("消えない本文"));
    let long = "あ".repeat(6001);
    for (field, value) in [
        ("title", "一行\n二行"),
        ("body", long.as_str()),
        ("body", "本文\0"),
        ("aim", "somebody"),
        ("first_day", "2026-02-30"),
        ("last_day", "+9999-01-01"),
    ] {
        let answer = clerk.post(NEW, &form(&[(field, value)])).await;
        assert_eq!(answer.status, 422, "{field} {value}");
    }
    for ages in [("74", "40"), ("-1", ""), ("", "151"), ("四十", "")] {
        let group = [("aim", "group"), ("age_from", ages.0), ("age_to", ages.1)];
        assert_eq!(clerk.post(NEW, &form(&group)).await.status, 422, "{ages:?}");
    }
    assert_eq!(app.insurer.count("notice_drafts", "true").await, 0);
}

#[tokio::test]
async fn of_two_who_edit_the_later_one_is_told_sees_both_texts_and_loses_none() {
    let app = TestApp::start().await;
    let clerk = app.clerk_named("先野　花子", &[Role::NoticeEditor]).await;
    let other = app.clerk_named("後藤　次郎", &[Role::Administrator]).await;
    let draft = write(&clerk, &[]).await;
    let edit = format!("{draft}/edit");
    let seen = version(&other, &edit).await;
    let first = clerk
        .post(&edit, &form(&[("body", "先の本文"), ("version", &seen)]))
        .await;
    assert_eq!(first.status, 303);
    let late = other
        .post(&edit, &form(&[("body", "後の本文"), ("version", &seen)]))
        .await;
    assert_eq!(late.status, 409, "{}", late.text);
    for both in ["先の本文", "後の本文", "先野　花子"] {
        assert!(late.text.contains(both), "{both} {}", late.text);
    }
    assert!(clerk.get(&draft).await.text.contains("先の本文"));
    // What was wrong beside it doesn't make the later one's form a newer one.
    let mistaken = form(&[("body", "後の本文"), ("title", ""), ("version", &seen)]);
    let answer = other.post(&edit, &mistaken).await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.text.contains(&format!("name=\"version\" value=\"{seen}\"")),
        "{}",
        answer.text
    );
    // Knowing both, they may.
    let known = (seen.parse::<i64>().unwrap() + 1).to_string();
    assert!(late.text.contains(&format!("name=\"version\" value=\"{known}\"")));
    let saved = other
        .post(&edit, &form(&[("body", "合わせた本文"), ("version", &known)]))
        .await;
    assert_eq!(saved.status, 303);
    assert!(clerk.get(&draft).await.text.contains("合わせた本文"));
    // Published or discarded meanwhile, it can be kept as another.
    assert_eq!(publish(&clerk, &draft).await.status, 303);
    let lost = other
        .post(&edit, &form(&[("body", "さらに後の本文"), ("version", "3")]))
        .await;
    assert_eq!(lost.status, 409);
    assert!(
        lost.text.contains("さらに後の本文") && lost.text.contains("新しい下書き"),
        "{}",
        lost.text
    );
    // Nor is what nobody has seen published, asked for or discarded.
    let draft = write(&clerk, &[]).await;
    let seen = version(&other, &format!("{draft}/publish")).await;
    let edited = form(&[("body", "別の本文"), ("version", &seen)]);
    assert_eq!(clerk.post(&format!("{draft}/edit"), &edited).await.status, 303);
    for act in ["publish", "ask", "discard"] {
        let answer = other.post(&format!("{draft}/{act}"), &[("version", &seen)]).await;
        assert_eq!(answer.status, 409, "{act}");
    }
    assert!(clerk.get(&draft).await.text.contains("別の本文"));
}

#[tokio::test]
async fn a_notice_to_some_is_theirs_by_what_the_roster_says_when_they_read() {
    let app = TestApp::start().await;
    let people = [TestPerson::new(201), TestPerson::new(202), child(201)];
    app.insurer.import(&people).await;
    let mut members = Vec::new();
    for person in &people[..2] {
        let who = app.sign_up_as(person).await;
        members.push(app.inside(&who).await);
    }
    sql(
        app.tenant(),
        "UPDATE persons SET workplace_code = 'W1' WHERE number = '201'",
    )
    .await;
    sql(
        app.tenant(),
        "UPDATE persons SET birth_date = '1950-01-01' WHERE number = '202'",
    )
    .await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let theirs = [
        (vec![("workplace", "W1")], [true, false]),
        (vec![("age_from", "65")], [false, true]),
        (vec![("age_to", "64")], [true, false]),
        (vec![("with_dependants", "1")], [true, false]),
        (vec![("workplace", "W1"), ("age_from", "65")], [false, false]),
    ];
    for (filter, expected) in theirs {
        // My page lists the newest few.
        app.later(1);
        let fields: Vec<_> = filter.iter().copied().chain([("aim", "group")]).collect();
        let draft = write(&clerk, &fields).await;
        if !expected.contains(&true) {
            let answer = publish_to_nobody(&clerk, &draft).await;
            assert_eq!(answer.status, 422, "to nobody: {}", answer.text);
            assert!(answer.text.contains("あて先に当てはまる方がいません"));
            continue;
        }
        let answer = publish(&clerk, &draft).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        for (member, expected) in members.iter().zip(expected) {
            assert_eq!(sees(member, &draft).await, expected, "{filter:?}");
        }
        let page = clerk.get(&draft).await;
        assert!(
            page.text.contains("1人（公開したとき登録していた1人のうち）"),
            "{filter:?} {}",
            page.text
        );
        if filter[0].0 == "workplace" {
            sql(
                app.tenant(),
                "UPDATE persons SET workplace_code = 'W1' WHERE number = '202'",
            )
            .await;
            assert!(
                sees(&members[1], &draft).await,
                "who comes to the workplace later reads it, too"
            );
            sql(
                app.tenant(),
                "UPDATE persons SET workplace_code = '' WHERE number = '202'",
            )
            .await;
        }
    }
}

// A protected person: who lives with them sees what they would see without them.
#[tokio::test]
async fn a_protected_person_is_in_no_count_and_nobodys_dependant() {
    let app = TestApp::start().await;
    let people = [TestPerson::new(301), child(301), TestPerson::new(302)];
    app.insurer.import(&people).await;
    let parent = app.inside(&app.sign_up_as(&people[0]).await).await;
    let other = app.inside(&app.sign_up_as(&people[2]).await).await;
    sql(app.tenant(), "UPDATE persons SET workplace_code = 'W3'").await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let dependants = [("aim", "group"), ("with_dependants", "1")];
    let before = published(&clerk, &dependants).await;
    assert!(sees(&parent, &before).await);
    protect(&app, &person(&app, 301, "01").await).await;
    assert!(!sees(&parent, &before).await);
    let nobody = publish_to_nobody(&clerk, &write(&clerk, &dependants).await).await;
    assert_eq!(nobody.status, 422, "{}", nobody.text);
    // What a protected person reads is in no count, and neither are they.
    let workplace = published(&clerk, &[("aim", "group"), ("workplace", "W3")]).await;
    assert!(sees(&other, &workplace).await && sees(&parent, &workplace).await);
    protect(&app, &person(&app, 302, "00").await).await;
    assert!(sees(&other, &workplace).await);
    let page = clerk.get(&workplace).await;
    assert!(
        page.text.contains("1人（公開したとき登録していた2人のうち）"),
        "{}",
        page.text
    );
    let draft = write(&clerk, &[("aim", "group"), ("workplace", "W3")]).await;
    let page = clerk.get(&format!("{draft}/publish")).await;
    assert!(page.text.contains("<dd>1人</dd>"), "{}", page.text);
}

#[tokio::test]
async fn one_person_is_found_by_exact_number_and_a_protected_one_by_nobody_who_may_not() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let to_one = [("aim", "number"), ("symbol", "100"), ("number", "105")];
    let draft = write(&clerk, &to_one).await;
    let page = clerk.get(&draft).await;
    assert!(page.text.contains("健保 祥子さん（100・105・00）"), "{}", page.text);
    assert_eq!(
        trail(&app, "person.look").await,
        1,
        "whoever sees a name is in the trail"
    );
    assert_eq!(publish(&clerk, &draft).await.status, 303);
    assert!(sees(&member, &draft).await);
    assert!(clerk.get("/console/notices?list=people").await.text.contains(&draft));
    for nobody in [("number", "106"), ("symbol", "999"), ("branch", "77")] {
        let typed: Vec<_> = to_one
            .into_iter()
            .filter(|(name, _)| *name != nobody.0)
            .chain([nobody])
            .collect();
        assert_eq!(clerk.post(NEW, &form(&typed)).await.status, 422, "{nobody:?}");
    }
    let unsent = write(&clerk, &to_one).await;
    let id = person(&app, 105, "00").await;
    protect(&app, &id).await;
    let as_nobody = clerk.post(NEW, &form(&[to_one[0], to_one[1], ("number", "106")])).await;
    let refused = clerk.post(NEW, &form(&to_one)).await;
    assert_eq!(refused.status, 422);
    let message = |answer: &Answer| {
        answer
            .text
            .split("id=\"m-number\"")
            .nth(1)
            .unwrap()
            .split("</p>")
            .next()
            .map(str::to_owned)
    };
    assert_eq!(message(&refused), message(&as_nobody));
    for path in [
        draft.clone(),
        unsent.clone(),
        format!("{unsent}/edit"),
        format!("{unsent}/publish"),
        format!("{unsent}/discard"),
        format!("{draft}/withdraw"),
        format!("{NEW}?person={id}"),
    ] {
        assert_eq!(clerk.get(&path).await.status, 404, "{path}");
    }
    for act in ["copy", "end", "withdraw"] {
        assert_eq!(clerk.post(&format!("{draft}/{act}"), &[]).await.status, 404, "{act}");
    }
    let by_id = form(&[("aim", "person"), ("person", &id), ("version", "1")]);
    assert_eq!(clerk.post(NEW, &by_id).await.status, 422);
    assert_eq!(clerk.post(&format!("{unsent}/edit"), &by_id).await.status, 404);
    for list in ["drafts", "people"] {
        let page = clerk.get(&format!("{LIST}?list={list}")).await;
        assert!(!page.text.contains(TITLE), "{list}");
    }
    let may = app.clerk(&[Role::Administrator]).await;
    assert!(may.get("/console/notices?list=people").await.text.contains(&draft));
    assert!(may.get(&unsent).await.text.contains("健保 祥子"));
    assert!(sees(&member, &draft).await, "theirs it stays");
    // From their own page.
    let page = may.get(&format!("/console/members/{id}")).await;
    assert!(page.text.contains(&format!("{NEW}?person={id}")));
    let page = may.get(&format!("{NEW}?person={id}")).await;
    assert!(page.text.contains("健保 祥子さん"), "{}", page.text);
}

#[tokio::test]
async fn a_notice_to_nobody_or_without_a_text_or_over_already_is_refused_with_what_to_do() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    for (fields, words) in [
        (vec![("aim", "group"), ("workplace", "なし")], "あて先の条件"),
        (vec![("body", "")], "本文を書いてください"),
        (vec![("last_day", "2020-01-01")], "日付を直してください"),
    ] {
        let draft = write(&clerk, &fields).await;
        let page = clerk.get(&format!("{draft}/publish")).await;
        assert!(
            page.text.contains(words) && !page.text.contains("公開する</button>"),
            "{}",
            page.text
        );
        let refused = clerk.post(&format!("{draft}/publish"), &[("version", "1")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains(words), "{}", refused.text);
        assert!(clerk.get(&draft).await.text.contains("下書き"));
    }
    // Whoever is meant but has not registered is somebody.
    let draft = write(&clerk, &[("aim", "number"), ("symbol", "100"), ("number", "105")]).await;
    let page = clerk.get(&format!("{draft}/publish")).await;
    assert!(page.text.contains("まだ登録していません"), "{}", page.text);
    assert_eq!(publish(&clerk, &draft).await.status, 303);
    assert_eq!(app.insurer.count("notices", "readers = 0").await, 1);
}

#[tokio::test]
async fn a_withdrawn_or_ended_notice_is_gone_at_once_and_can_be_copied() {
    let app = TestApp::start().await;
    let (member, who) = app.member().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    for (act, word) in [("withdraw", "取り下げ"), ("end", "掲載終了")] {
        let notice = published(&clerk, &[]).await;
        assert!(sees(&member, &notice).await);
        let page = clerk.get(&format!("{notice}/{act}")).await;
        assert!(page.text.contains("すぐに見えなくなります") && page.text.contains(TITLE));
        assert_eq!(clerk.press(&format!("{notice}/{act}")).await.status, 303);
        assert!(!sees(&member, &notice).await);
        assert!(clerk.get(&notice).await.text.contains(word));
        // Twice is once.
        assert_eq!(clerk.press(&format!("{notice}/{act}")).await.status, 303);
        assert_eq!(trail(&app, &format!("notice.{act}")).await, 1);
        let copied = clerk.press(&format!("{notice}/copy")).await;
        assert_eq!(copied.status, 303);
        assert!(clerk.get(copied.location()).await.text.contains("**12月25日**"));
        assert!(!sees(&member, &notice).await);
    }
    // What is to come can be taken back, and never comes.
    let notice = published(&clerk, &[("first_day", "2027-03-01")]).await;
    assert!(clerk.get(&notice).await.text.contains("掲載前"));
    assert_eq!(clerk.press(&format!("{notice}/withdraw")).await.status, 303);
    app.later(200 * 24 * 3600);
    assert!(!sees(&app.inside(&who).await, &notice).await);
}

#[tokio::test]
async fn days_are_japans_and_the_last_one_is_still_shown() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    published(&clerk, &[("first_day", "2027/03/01"), ("last_day", "2027-03-31")]).await;
    let times =
        "SELECT (published_at AT TIME ZONE 'Asia/Tokyo')::text || ' ' || (ended_at AT TIME ZONE 'Asia/Tokyo')::text
        AS line FROM notices WHERE published_by IS NOT NULL";
    let times = app.insurer.lines(times).await;
    assert_eq!(times, ["2027-03-01 00:00:00 2027-04-01 00:00:00"]);
}

#[tokio::test]
async fn an_editor_hands_a_draft_over_and_whoever_publishes_sees_it_at_home() {
    let app = TestApp::start().await;
    let editor = app.clerk(&[Role::Health]).await;
    let publisher = app.clerk(&[Role::NoticeEditor]).await;
    let draft = write(&editor, &[]).await;
    for act in ["publish", "end", "withdraw"] {
        assert_eq!(editor.get(&format!("{draft}/{act}")).await.status, 403, "{act}");
        assert_eq!(editor.press(&format!("{draft}/{act}")).await.status, 403, "{act}");
    }
    let waiting = "公開を頼まれたお知らせ";
    assert!(!publisher.get("/console/").await.text.contains(waiting));
    let seen = version(&editor, &draft).await;
    assert_eq!(
        editor.post(&format!("{draft}/ask"), &[("version", &seen)]).await.status,
        303
    );
    assert!(publisher.get("/console/").await.text.contains(waiting));
    assert!(!editor.get("/console/").await.text.contains(waiting));
    assert!(
        publisher
            .get("/console/notices?list=drafts")
            .await
            .text
            .contains("公開待ち")
    );
    // Another text was not what was asked for.
    let edited = form(&[("body", "別の本文"), ("version", &seen)]);
    assert_eq!(editor.post(&format!("{draft}/edit"), &edited).await.status, 303);
    assert!(!publisher.get("/console/").await.text.contains(waiting));
    let seen = version(&editor, &draft).await;
    assert_eq!(
        editor.post(&format!("{draft}/ask"), &[("version", &seen)]).await.status,
        303
    );
    assert_eq!(publish(&publisher, &draft).await.status, 303);
    assert!(!publisher.get("/console/").await.text.contains(waiting));
    assert_eq!(trail(&app, "notice.ask").await, 2);
    // A discarded one waits for nobody either.
    let draft = write(&editor, &[]).await;
    assert_eq!(
        editor.post(&format!("{draft}/ask"), &[("version", "1")]).await.status,
        303
    );
    assert_eq!(
        editor
            .post(&format!("{draft}/discard"), &[("version", "1")])
            .await
            .status,
        303
    );
    assert_eq!(app.insurer.count("tasks", "module = 'notices'").await, 0);
    assert_eq!(editor.get(&draft).await.status, 404);
    // Readers read, and whoever is bounded to workplaces has nothing to do with it.
    let viewer = app.clerk(&[Role::Viewer]).await;
    assert_eq!(
        (
            viewer.get(LIST).await.status.as_u16(),
            viewer.get(NEW).await.status.as_u16()
        ),
        (200, 403)
    );
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = app.clerk_reaching(&[Role::NoticeEditor], &reach).await;
    assert_eq!(bounded.get(LIST).await.status, 403);
}

#[tokio::test]
async fn where_it_is_under_four_eyes_another_agrees_to_what_was_shown_and_to_nothing_else() {
    let app = approvals::app(&[ApprovalAction::Notice]).await;
    let [first, second] = approvals::clerks(&app, &[Role::NoticeEditor]).await;
    let (member, _) = app.member().await;
    let draft = write(&first, &[]).await;
    let asked = publish(&first, &draft).await;
    assert_eq!((asked.status.as_u16(), asked.location()), (303, draft.as_str()));
    assert!(!sees(&member, &draft).await);
    assert!(
        first
            .get(&format!("{LIST}?list=drafts"))
            .await
            .text
            .contains("承認待ち")
    );
    let wish = approvals::wish(&app).await;
    assert!(second.get(&wish).await.text.contains(TITLE));
    // Changed meanwhile, it is not what was shown.
    let seen = version(&first, &format!("{draft}/edit")).await;
    let edited = form(&[("body", "別の本文"), ("version", &seen)]);
    assert_eq!(first.post(&format!("{draft}/edit"), &edited).await.status, 303);
    approvals::agree(&second, &wish).await;
    assert!(!sees(&member, &draft).await);
    let asked = publish(&second, &draft).await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    approvals::agree(&first, &approvals::wish(&app).await).await;
    assert!(sees(&member, &draft).await);
    assert_eq!(trail(&app, "notice.publish").await, 1);
}

// Whoever agrees to publishing may not know of protected people: neither the list nor the wish tells of one.
#[tokio::test]
async fn a_wish_about_a_protected_person_is_not_there_for_who_may_not_see_them() {
    let app = approvals::app(&[ApprovalAction::Notice]).await;
    let [first, second] = approvals::clerks(&app, &[Role::NoticeEditor]).await;
    app.member().await;
    let draft = write(&first, &[("aim", "number"), ("symbol", "100"), ("number", "105")]).await;
    assert_eq!(publish(&first, &draft).await.status, 303);
    let wish = approvals::wish(&app).await;
    assert!(second.get("/console/approvals").await.text.contains(&wish));
    assert!(second.get(&wish).await.text.contains("100・105"));
    protect(&app, &person(&app, 105, "00").await).await;
    assert!(!second.get("/console/approvals").await.text.contains(&wish));
    assert_eq!(second.get(&wish).await.status, 404);
    assert_eq!(approvals::agree(&second, &wish).await.status, 404);
    assert_eq!(app.insurer.count("notices", "person_id IS NOT NULL").await, 0);
}

#[tokio::test]
async fn what_the_folder_publishes_is_read_only_and_once_withdrawn_stays_so() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let file = PartFile::written(
        "winter",
        &[("title", "年末年始"), ("published_on", "2026-01-01")],
        "本文",
    );
    let apply = async || {
        let mut tx = app.write(app.tenant()).await;
        let said = (notices::folder().apply)(&mut tx, app.clock().now(), std::slice::from_ref(&file)).await;
        tx.commit().await.unwrap();
        said.unwrap().unwrap()
    };
    apply().await;
    let id = "SELECT notice_id::text AS line FROM notices WHERE slug = 'winter'";
    let notice = format!("{LIST}/{}", app.insurer.lines(id).await[0]);
    let page = clerk.get(&notice).await;
    assert!(
        page.text.contains("notices/winter.md") && !page.text.contains("/end\""),
        "{}",
        page.text
    );
    assert!(clerk.get(LIST).await.text.contains("設定ファイル"));
    assert!(sees(&member, &notice).await);
    assert_eq!(clerk.press(&format!("{notice}/end")).await.status, 409);
    assert!(sees(&member, &notice).await);
    assert_eq!(clerk.press(&format!("{notice}/withdraw")).await.status, 303);
    let said = apply().await;
    assert!(said.contains("0 published, 0 changed, 0 ended, 1 unchanged"), "{said}");
    assert!(!sees(&member, &notice).await);
    let tx = app.insurer.database.tenant(app.tenant());
    let mut tx = tx.read().await.unwrap();
    let files = std::slice::from_ref(&file);
    let said = (notices::folder().difference)(Some(&mut tx), app.clock().now(), files)
        .await
        .unwrap();
    assert!(said[0].contains("withdrawn in the console"), "{said:?}");
    assert!(
        (notices::folder().export)(&mut tx, app.clock().now())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_proposed_mail_goes_to_those_it_is_for_who_wish_it_and_names_no_title() {
    let app = TestApp::start().await;
    let people = [TestPerson::new(401), TestPerson::new(402), TestPerson::new(403)];
    app.insurer.import(&people).await;
    let mut mails = Vec::new();
    for person in &people {
        let who = app.sign_up_as(person).await;
        if person.number == "402" {
            let member = app.inside(&who).await;
            assert_eq!(
                member
                    .post("/portal/account/mails", &[("wished", "person")])
                    .await
                    .status,
                303
            );
        }
        mails.push(who.email);
    }
    sql(
        app.tenant(),
        "UPDATE persons SET workplace_code = 'W4' WHERE number <> '403'",
    )
    .await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let told = async |nth: usize| {
        let mails = app.mails_to(&mails[nth]).await;
        assert!(
            mails
                .iter()
                .all(|mail| !mail.text.contains(TITLE) && !mail.subject.contains(TITLE))
        );
        mails
            .iter()
            .filter(|mail| mail.text.contains("/portal/mails/stop"))
            .count()
    };
    published(&clerk, &[("aim", "group"), ("workplace", "W4")]).await;
    app.work().await;
    assert_eq!(
        (told(0).await, told(1).await, told(2).await),
        (0, 0, 0),
        "none was proposed"
    );
    published(&clerk, &[("aim", "group"), ("workplace", "W4"), ("mail", "1")]).await;
    app.work().await;
    assert_eq!((told(0).await, told(1).await, told(2).await), (1, 0, 0));
    published(&clerk, &[("mail", "1")]).await;
    app.work().await;
    assert_eq!((told(0).await, told(1).await, told(2).await), (2, 0, 1));
    published(
        &clerk,
        &[("aim", "number"), ("symbol", "100"), ("number", "402"), ("mail", "1")],
    )
    .await;
    app.work().await;
    assert_eq!((told(0).await, told(1).await, told(2).await), (2, 1, 1));
}

#[tokio::test]
async fn notices_are_listed_by_pages_and_found_by_a_part_of_their_title() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    for n in 1..=23 {
        published(&clerk, &[("title", &format!("第{n}号"))]).await;
        app.later(1);
    }
    let first = clerk.get("/console/notices?list=members").await;
    let next = first.text.split("class=\"more\"><a href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = clerk.get(&next).await;
    for n in 1..=23 {
        let title = format!(">第{n}号<");
        assert_eq!(first.text.contains(&title), n > 3, "{title}");
        assert_eq!(second.text.contains(&title), n <= 3, "{title}");
    }
    let found = clerk
        .get("/console/notices?list=members&title=%E7%AC%AC%EF%BC%97%E5%8F%B7")
        .await;
    assert!(
        found.text.contains(">第7号<") && !found.text.contains(">第17号<"),
        "{}",
        found.text
    );
    let none = clerk.get("/console/notices?list=members&title=zzz").await;
    assert!(none.text.contains("見つかりませんでした"));
    assert_eq!(clerk.get("/console/notices?after=nonsense").await.status, 404);
}
