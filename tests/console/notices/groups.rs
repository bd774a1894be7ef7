//! Whom a notice is for: a group by what the roster says, one person, and never somebody whom the clerk may not see.

use super::{
    LIST, NEW, TITLE, child, form, person, protect, publish, publish_to_nobody, published, sees, trail, write,
};
use access::Role;
use testkit::{Answer, TestApp, TestPerson, sql};

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
            assert!(answer.text.contains("宛先に当てはまる方がいません"));
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
async fn each_page_that_says_whom_a_notice_is_for_is_a_look_at_them() {
    let app = TestApp::start().await;
    app.member().await;
    let writer = app.clerk(&[Role::NoticeEditor]).await;
    let to_one = [("aim", "number"), ("symbol", "100"), ("number", "105")];
    let (notice, draft) = (published(&writer, &to_one).await, write(&writer, &to_one).await);
    let id = person(&app, 105, "00").await;
    for path in [
        notice.clone(),
        format!("{notice}/end"),
        format!("{notice}/withdraw"),
        draft.clone(),
        format!("{draft}/edit"),
        format!("{draft}/publish"),
        format!("{draft}/discard"),
        format!("{NEW}?person={id}"),
    ] {
        let clerk = app.clerk(&[Role::NoticeEditor]).await;
        let page = clerk.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains("健保 祥子"), "{path}: {}", page.text);
        let looks = format!(
            "action = 'person.look' AND object_id = '{id}' AND actor_id = '{}'",
            clerk.staff_id.0
        );
        assert_eq!(app.insurer.count("audit_events", &looks).await, 1, "{path}");
    }
    // The lists say no names.
    for list in ["drafts", "people"] {
        let page = writer.get(&format!("{LIST}?list={list}")).await;
        assert!(
            page.text.contains(TITLE) && !page.text.contains("祥子"),
            "{}",
            page.text
        );
    }
}
