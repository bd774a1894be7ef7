//! Who agrees and who never does, and that what is done is what was shown.

use super::{DAY, agree, app, ask_to_lift, clerks, give, in_force, protected, roles, states, told, wish};
use crate::{console::facts, portal::says};
use access::{Reach, Role};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use tenancy::ApprovalAction;
use testkit::TestPerson;

// security.md 73
#[tokio::test]
async fn who_is_alone_or_new_is_not_held_up_and_does_not_agree() {
    let app = app(&[]).await;
    let [asker] = clerks(&app, &[Role::Eligibility]).await;
    // The second of two is too new to agree: nobody could.
    let new = app.clerk(&[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    assert_eq!((in_force(&app).await, states(&app).await.len()), (0, 0));
    let [one, other] = clerks(&app, &[Role::Eligibility]).await;
    let newest = app.clerk(&[Role::Eligibility]).await;
    let person = "SELECT person_id::text AS line FROM persons";
    let person = app.insurer.lines(person).await.remove(0);
    let fields = [("subject", person.as_str()), ("person", &person), ("reason", "再度")];
    assert_eq!(one.post("/console/protections", &fields).await.status, 303);
    let query = "SELECT protection_id::text AS line FROM protections WHERE lifted_at IS NULL";
    let protection = app.insurer.lines(query).await.remove(0);
    ask_to_lift(&one, &format!("/console/protections/{protection}/lift")).await;
    let wish = wish(&app).await;
    says(&agree(&newest, &wish).await, 403, "まだ承認できません");
    // Nor does anybody without the permission, in a part of the insurer, of the platform's support or elsewhere see it.
    let bounded = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = app.clerk_reaching(&[Role::Eligibility], &bounded).await;
    let (viewer, support) = (app.clerk(&[Role::Viewer]).await, app.support().await);
    for clerk in [&bounded, &viewer] {
        assert_eq!(clerk.get(&wish).await.status, 404);
        assert_eq!(agree(clerk, &wish).await.status, 404);
        assert_eq!(
            clerk.post(&format!("{wish}/decline"), &[("word", "x")]).await.status,
            404
        );
    }
    assert_eq!(support.get(&wish).await.status, 403);
    assert_eq!(agree(&support, &wish).await.status, 403);
    assert_eq!(in_force(&app).await, 1);
    // A second factor too long ago is asked for anew.
    app.later(700);
    let led = agree(&other, &wish).await;
    let back = led.location().strip_prefix("/console/prove?next=").unwrap();
    let back = back.replace("%2F", "/").replace("%3F", "?").replace("%3D", "=");
    says(&other.get(&back).await, 200, "まだ何も行っていません");
    let other = app.in_another_browser(&other).await;
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!(in_force(&app).await, 0);
    drop(new);
}

// security.md 73
#[tokio::test]
async fn who_is_new_does_nothing_alone_while_there_is_another_who_agrees() {
    let app = app(&[]).await;
    let [old] = clerks(&app, &[Role::Administrator]).await;
    let new = app.clerk(&[Role::Administrator]).await;
    let (first, second) = (app.clerk(&[Role::Viewer]).await, app.clerk(&[Role::Viewer]).await);
    assert_eq!(give(&new, &first, &["administrator"]).await.status, 303);
    assert_eq!(roles(&app, &first).await, ["viewer"]);
    assert_eq!(agree(&old, &wish(&app).await).await.status, 303);
    assert_eq!(roles(&app, &first).await, ["administrator"]);
    // Nor once they have shut the other out.
    let shut = format!("/console/staff/{}/suspend", old.staff_id);
    assert_eq!(new.post(&shut, &[]).await.status, 303);
    assert_eq!(give(&new, &second, &["administrator"]).await.status, 303);
    assert_eq!(roles(&app, &second).await, ["viewer"]);
}

// security.md 73
#[tokio::test(flavor = "multi_thread")]
async fn two_who_agree_at_the_same_instant_do_it_once() {
    let app = app(&[]).await;
    let [asker, one, two] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    let wish = wish(&app).await;
    let answers = join_all([agree(&one, &wish), agree(&two, &wish)]).await;
    let done = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(
        done,
        1,
        "{:?}",
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>()
    );
    let lifts = app.insurer.count("audit_events", "action = 'protection.lift'").await;
    assert_eq!(lifts, 1);
}

// security.md 73
#[tokio::test]
async fn what_changed_since_it_was_shown_is_not_done_and_both_are_told() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    let wish = wish(&app).await;
    testkit::sql(app.tenant(), "UPDATE persons SET name = '健保　翔子'").await;
    says(&agree(&other, &wish).await, 409, "内容が変わったため");
    assert_eq!(
        (in_force(&app).await, states(&app).await),
        (1, vec!["lapsed".to_owned()])
    );
    app.work().await;
    for clerk in [&asker, &other] {
        let mails = app.mails_to(&clerk.email).await;
        assert!(
            mails
                .iter()
                .any(|mail| mail.text.contains("行われないまま終わりました"))
        );
    }
    // Nor is it where who asked may not do it any more.
    ask_to_lift(&asker, &lift).await;
    app.revoke(&asker).await;
    says(
        &agree(&other, &super::wish(&app).await).await,
        409,
        "内容が変わったため",
    );
    assert_eq!(in_force(&app).await, 1);
}

// security.md 73
#[tokio::test(flavor = "multi_thread")]
async fn of_three_answers_at_the_same_instant_one_counts() {
    let app = app(&[]).await;
    let [asker, one, two] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    for _ in 0..3 {
        ask_to_lift(&asker, &lift).await;
        let wish = wish(&app).await;
        let (decline, withdraw) = (format!("{wish}/decline"), format!("{wish}/withdraw"));
        let (agreed, declined, withdrawn) = tokio::join!(
            agree(&one, &wish),
            two.post(&decline, &[("word", "本人に確かめてください")]),
            asker.post(&withdraw, &[])
        );
        let answers = [("done", agreed), ("declined", declined), ("withdrawn", withdrawn)];
        let counted: Vec<&str> = answers
            .iter()
            .filter(|(_, answer)| answer.status == 303)
            .map(|(state, _)| *state)
            .collect();
        assert_eq!(counted.len(), 1, "{counted:?}");
        assert_eq!(states(&app).await.last().unwrap(), counted[0]);
        assert_eq!(in_force(&app).await == 0, counted == ["done"]);
        if counted == ["done"] {
            break;
        }
    }
}

// security.md 73
#[tokio::test]
async fn the_week_is_over_to_the_second() {
    let app = app(&[]).await;
    let [asker, _other] = clerks(&app, &[Role::Eligibility]).await;
    let new = app.clerk(&[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    app.later(DAY);
    let asker = app.in_another_browser(&asker).await;
    ask_to_lift(&asker, &lift).await;
    let query = "SELECT approval_id::text AS line FROM approvals";
    let wish = format!("/console/approvals/{}", app.insurer.lines(query).await.remove(0));
    app.later(6 * DAY - 1);
    let new = app.in_another_browser(&new).await;
    says(&agree(&new, &wish).await, 403, "まだ承認できません");
    assert!(!new.get("/console/approvals").await.text.contains(&wish));
    app.later(1);
    assert_eq!(agree(&new, &wish).await.status, 303);
    assert_eq!(in_force(&app).await, 0);
}

// security.md 51, 73
#[tokio::test]
async fn another_insurers_wish_is_nobodys_here() {
    let (app, elsewhere) = (app(&[]).await, self::app(&[]).await);
    let [asker, _other] = clerks(&app, &[Role::Administrator]).await;
    let [stranger, _] = clerks(&elsewhere, &[Role::Administrator]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    let wish = wish(&app).await;
    assert_eq!(stranger.get(&wish).await.status, 404);
    for answer in ["agree", "decline", "withdraw"] {
        let refused = stranger.post(&format!("{wish}/{answer}"), &[("word", "x")]).await;
        assert_eq!(refused.status, 404, "{answer}");
    }
    for list in ["waiting", "asked", "decided"] {
        let page = stranger.get(&format!("/console/approvals?list={list}")).await;
        assert!(!page.text.contains(&wish), "{list}");
    }
    assert_eq!(
        (in_force(&app).await, states(&app).await),
        (1, vec!["waiting".to_owned()])
    );
}

// security.md 73
#[tokio::test]
async fn roles_by_which_one_administers_sees_what_is_medical_or_agrees_are_given_by_two() {
    let app = app(&[]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let clerk = app.clerk(&[Role::Viewer]).await;
    let grave = ["administrator", "benefits", "eligibility", "notice_editor"];
    for role in grave {
        assert_eq!(give(&boss, &clerk, &["viewer", role]).await.status, 303);
        assert_eq!(roles(&app, &clerk).await, ["viewer"], "{role}");
        let wish = wish(&app).await;
        says(&agree(&clerk, &wish).await, 404, "");
        assert_eq!(boss.post(&format!("{wish}/withdraw"), &[]).await.status, 303);
    }
    let others = Role::ALL
        .into_iter()
        .filter(|role| role.is_given() && *role != Role::Workplace);
    let others = others.map(Role::as_str).filter(|role| !grave.contains(role));
    let others: BTreeSet<&str> = others.collect();
    assert_eq!(
        give(&boss, &clerk, &others.iter().copied().collect::<Vec<_>>())
            .await
            .status,
        303
    );
    assert!(roles(&app, &clerk).await.iter().map(String::as_str).eq(others));
    assert_eq!(give(&boss, &clerk, &["viewer", "administrator"]).await.status, 303);
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    assert_eq!(roles(&app, &clerk).await, ["administrator", "viewer"]);
    // An invitation gives no less.
    let invitee = "new@staff.example.jp";
    let fields = [("email", invitee), ("name", "新任　一郎"), ("role", "administrator")];
    assert_eq!(boss.post("/console/staff/invite", &fields).await.status, 303);
    let invited = format!("email = '{invitee}'");
    assert_eq!(app.insurer.count("staff", &invited).await, 0);
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    assert_eq!(app.insurer.count("staff", &invited).await, 1);
    app.work().await;
    assert_eq!(app.mails_to(invitee).await.len(), 1);
    // Taking somebody else's away is as grave; laying down one's own is not.
    assert_eq!(give(&boss, &other, &["viewer"]).await.status, 303);
    assert_eq!(roles(&app, &other).await, ["administrator"]);
    assert_eq!(give(&boss, &boss, &["viewer"]).await.status, 403);
}

// security.md 73
#[tokio::test]
async fn nobody_gives_themself_a_role_nor_agrees_to_one_that_they_gain() {
    let app = app(&[]).await;
    let [boss, other, gains] = clerks(&app, &[Role::Administrator]).await;
    let more = ["administrator", "benefits"];
    assert_eq!(give(&boss, &boss, &more).await.status, 403);
    assert_eq!(roles(&app, &boss).await, ["administrator"]);
    assert_eq!(give(&boss, &gains, &more).await.status, 303);
    let wish = wish(&app).await;
    says(&agree(&gains, &wish).await, 403, "自分についての申請");
    says(&agree(&boss, &wish).await, 403, "自分の申請");
    assert_eq!(roles(&app, &gains).await, ["administrator"]);
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!(roles(&app, &gains).await, more);
}

// security.md 73
#[tokio::test]
async fn nobody_agrees_to_the_reset_of_their_own_factor() {
    let app = app(&[]).await;
    let [boss, whose, other] = clerks(&app, &[Role::Administrator]).await;
    let reset = format!("/console/staff/{}/factor", whose.staff_id);
    let waits = boss.post(&reset, &[]).await;
    assert_eq!(waits.status, 303);
    let is_reset = format!("staff_id = '{}' AND factor_reset_at IS NOT NULL", whose.staff_id.0);
    assert_eq!(app.insurer.count("staff", &is_reset).await, 0);
    let wish = wish(&app).await;
    says(&agree(&whose, &wish).await, 403, "自分についての申請");
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!(app.insurer.count("staff", &is_reset).await, 1);
    let own = boss
        .post(&format!("/console/staff/{}/factor", boss.staff_id), &[])
        .await;
    assert_ne!(own.status, 303);
}

#[tokio::test]
async fn a_birth_date_is_mended_once_another_agrees_and_a_name_at_once() {
    let app = app(&[ApprovalAction::BirthDate]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    app.insurer.import(&[TestPerson::new(105)]).await;
    let born = async || {
        let query = "SELECT birth_date::text AS line FROM persons WHERE number = '105'";
        app.insurer.lines(query).await.remove(0)
    };
    let (before, person) = (born().await, facts::id_of(&app, "105", "00").await);
    let (_, written) = facts::mend(&asker, person, &[("name", "健保　咲子")]).await;
    assert_eq!(written.status, 303);
    assert_eq!(app.insurer.count("approvals", "true").await, 0);
    app.later(1);
    let (_, waits) = facts::mend(&asker, person, &[("birth_date", "1984-02-29")]).await;
    assert_eq!(waits.status, 303, "{}", waits.text);
    assert_eq!(born().await, before);
    let first = wish(&app).await;
    let page = other.get(&first).await;
    says(&page, 200, "1984");
    says(&page, 200, "健保　咲子（100・105・00）");
    let own = format!("/console/members/{person}");
    told(&[&asker, &other], &[&own, &format!("{own}/facts")], &first).await;
    // Another change in between: what was shown is over.
    let (_, written) = facts::mend(&other, person, &[("name", "健保　幸子")]).await;
    assert_eq!(written.status, 303);
    assert_ne!(agree(&other, &first).await.status, 303);
    assert_eq!(born().await, before);
    let (_, waits) = facts::mend(&asker, person, &[("birth_date", "1984-02-29")]).await;
    assert_eq!(waits.status, 303, "{}", waits.text);
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    assert_eq!(born().await, "1984-02-29");
}
