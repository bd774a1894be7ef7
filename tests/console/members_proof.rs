//! That an account is its owner's, as staff record it: by whoever may, after making sure of it, by two where two can, and once.

use super::{
    approvals::{agree, clerks, states, told, wish},
    members_desk::Case,
};
use crate::portal::{leads, says};
use access::Role;
use testkit::{TestPerson, sql};

const SURE: [(&str, &str); 2] = [("identified", "counter"), ("confirmed", "1")];
const FAMILY: &str = "/portal/account/family";
const WIDER: &str = "value=\"household\"";

impl Case {
    async fn proof(&self) -> String {
        let query = "SELECT proof AS line FROM accounts WHERE emptied_at IS NULL";
        self.app.insurer.lines(query).await.remove(0)
    }

    /// What the trail tells of it.
    async fn proven(&self) -> Vec<String> {
        let query = "SELECT concat(detail->>'from', ' ', detail->>'to', ' ', detail->>'identified') AS line
            FROM audit_events WHERE action = 'proof.change' AND actor_kind = 'staff' ORDER BY detail->>'from'";
        self.app.insurer.lines(query).await
    }
}

// security.md 6
#[tokio::test]
async fn staff_who_made_sure_record_it_once_the_member_is_told_and_chooses_more_and_it_is_taken_back() {
    let case = Box::pin(Case::new()).await;
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let page = case.at("proof");
    says(&clerk.get(&case.page).await, 200, &page);
    let shown = clerk.get(&page).await;
    says(&shown, 200, "名簿の内容だけ");
    says(&shown, 200, &case.who.user_id);
    let refused = clerk.post(&page, &[]).await;
    says(&refused, 422, "本人確認の方法を選んでください");
    says(&refused, 422, "ご本人に確かめてから");
    let unsure = clerk.post(&page, &SURE[..1]).await;
    says(&unsure, 422, "value=\"counter\" checked");
    says(
        &clerk.post(&page, &[("identified", "x"), SURE[1]]).await,
        422,
        "本人確認の方法",
    );
    assert_eq!((case.proof().await.as_str(), case.proven().await.len()), ("facts", 0));
    assert!(!case.client.get(FAMILY).await.text.contains(WIDER));

    leads(&clerk.post(&page, &SURE).await, &case.page);
    says(&clerk.get(&case.page).await, 200, "本人確認を記録しました。");
    assert_eq!(case.proof().await, "letter");
    assert_eq!(case.mailed("本人確認）を記録しました").await, 1);
    says(&case.client.get(FAMILY).await, 200, WIDER);
    leads(&clerk.post(&page, &SURE).await, &case.page);
    says(&clerk.get(&case.page).await, 200, "何も変更していません");
    assert_eq!(case.mailed("本人確認）を記録しました").await, 1);

    let back = case.at("proof/take-back");
    says(&clerk.get(&page).await, 200, &back);
    leads(&clerk.post(&back, &[]).await, &case.page);
    assert_eq!(case.proof().await, "facts");
    assert!(!case.client.get(FAMILY).await.text.contains(WIDER));
    leads(&clerk.post(&back, &[]).await, &case.page);
    says(&clerk.get(&case.page).await, 200, "本人確認の記録は、ありません。");
    assert_eq!(case.proven().await, ["facts letter counter", "letter facts "]);
}

#[tokio::test]
async fn two_clicks_at_once_record_it_once() {
    let case = Box::pin(Case::new()).await;
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let other = case.app.in_another_browser(&clerk).await;
    let page = case.at("proof");
    let (one, two) = tokio::join!(clerk.post(&page, &SURE), other.post(&page, &SURE));
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (303, 303));
    assert_eq!(case.proven().await.len(), 1);
    assert_eq!(case.mailed("本人確認）を記録しました").await, 1);
}

// security.md 74
#[tokio::test]
async fn of_whoever_is_protected_it_is_recorded_and_no_mail_tells_of_it() {
    let case = Box::pin(Case::new()).await;
    case.protect().await;
    let [asker, other] = clerks(&case.app, &[Role::Eligibility]).await;
    leads(&asker.post(&case.at("proof"), &SURE).await, &case.at("proof"));
    assert_eq!(agree(&other, &wish(&case.app).await).await.status, 303);
    assert_eq!(case.proof().await, "letter");
    assert_eq!(case.mailed("本人確認").await, 0);
}

#[tokio::test]
async fn nobody_else_may_and_a_second_factor_must_have_just_been_proven() {
    let case = Box::pin(Case::new()).await;
    let page = case.at("proof");
    for role in [Role::CallCentre, Role::Benefits, Role::Viewer] {
        let clerk = case.app.clerk(&[role]).await;
        assert_eq!(clerk.get(&page).await.status, 403, "{role:?}");
        assert_eq!(clerk.post(&page, &SURE).await.status, 403, "{role:?}");
        assert_eq!(clerk.post(&case.at("proof/take-back"), &[]).await.status, 403);
        assert!(!clerk.get(&case.page).await.text.contains(&page), "{role:?}");
    }
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    case.app.later(11 * 60);
    for answer in [
        clerk.get(&page).await,
        clerk.post(&page, &SURE).await,
        clerk.post(&case.at("proof/take-back"), &[]).await,
    ] {
        assert_eq!(answer.status, 303);
        assert!(answer.location().starts_with("/console/prove"), "{}", answer.location());
    }
    assert_eq!(case.proof().await, "facts");
    // Whoever has no account has nothing to be proven.
    let clerk = case.app.in_another_browser(&clerk).await;
    case.app
        .insurer
        .import(&[case.app.person.clone(), TestPerson::new(4711)])
        .await;
    let id = "SELECT person_id::text AS line FROM persons WHERE number = '4711'";
    let id = case.app.insurer.lines(id).await.remove(0);
    let other = format!("/console/members/{id}");
    for answer in [
        clerk.get(&format!("{other}/proof")).await,
        clerk.post(&format!("{other}/proof"), &SURE).await,
        clerk.post(&format!("{other}/proof/take-back"), &[]).await,
    ] {
        leads(&answer, &other);
    }
    assert!(case.proven().await.is_empty());
}

// security.md 73
#[tokio::test]
async fn where_two_can_another_agrees_to_the_very_account_that_was_shown() {
    let case = Box::pin(Case::new()).await;
    let [asker, other] = clerks(&case.app, &[Role::Eligibility]).await;
    let page = case.at("proof");
    leads(&asker.post(&page, &SURE).await, &page);
    let first = wish(&case.app).await;
    told(&[&asker, &other], &[&page, &case.page], &first).await;
    let shown = other.get(&first).await;
    says(&shown, 200, &case.who.user_id);
    says(&shown, 200, "窓口で、顔写真のある本人確認書類を見た");
    assert!(!shown.text.contains(&case.who.email), "{}", shown.text);
    assert_eq!(
        (case.proof().await.as_str(), case.mailed("本人確認").await),
        ("facts", 0)
    );
    // Whoever asked does not agree; and another address makes it another account.
    says(&agree(&asker, &first).await, 403, "自分の申請");
    sql(
        case.app.tenant(),
        "UPDATE accounts SET email = 'quite-another@example.net'",
    )
    .await;
    says(&agree(&other, &first).await, 409, "内容が変わったため");
    assert_eq!(case.proof().await, "facts");
    leads(&asker.post(&page, &SURE).await, &page);
    let second = wish(&case.app).await;
    assert_eq!(agree(&other, &second).await.status, 303);
    assert_eq!(case.proof().await, "letter");
    assert_eq!(states(&case.app).await, ["lapsed", "done"]);
    let told = case.app.mails_to("quite-another@example.net").await;
    assert_eq!(told.iter().filter(|mail| mail.text.contains("本人確認")).count(), 1);
    // Taking it back shows nobody more: one does it alone.
    leads(&other.post(&case.at("proof/take-back"), &[]).await, &case.page);
    assert_eq!(case.proof().await, "facts");
}

// security.md 73
#[tokio::test]
async fn what_was_taken_back_is_never_recorded_again_by_an_older_wish() {
    let case = Box::pin(Case::new()).await;
    let [asker, other] = clerks(&case.app, &[Role::Eligibility]).await;
    let page = case.at("proof");
    leads(&asker.post(&page, &SURE).await, &page);
    let first = wish(&case.app).await;
    // One wish is enough, whoever asks and whatever they saw.
    for way in ["counter", "post"] {
        let second = other.post(&page, &[("identified", way), SURE[1]]).await;
        says(&second, 409, "ほかの職員の申請が、承認を待っています");
    }
    assert_eq!(states(&case.app).await, ["waiting"]);
    // One that an earlier release let in beside it ends with it.
    let beside = "INSERT INTO approvals SELECT tenant_id, gen_random_uuid(), action, kind, subject_id, person_id,
        beneficiary_id, sealed, state, gen_random_uuid(), asked_at, ends_at, decided_by, decided_at, word, also FROM approvals
        WHERE state = 'waiting'";
    sql(case.app.tenant(), beside).await;
    assert_eq!(agree(&other, &first).await.status, 303);
    assert_eq!(waiting(&case).await, 0);
    assert_eq!(case.proof().await, "letter");

    // What waits while it is taken back ends by that.
    let again = "UPDATE approvals SET state = 'waiting', decided_at = NULL WHERE state = 'done'";
    sql(case.app.tenant(), again).await;
    leads(&other.post(&case.at("proof/take-back"), &[]).await, &case.page);
    assert_eq!((waiting(&case).await, case.proof().await.as_str()), (0, "facts"));
    says(&agree(&other, &first).await, 409, "もう待っていません");
    assert_eq!(case.proof().await, "facts");
    assert!(!other.get(&page).await.text.contains("承認を待っています"));

    // What waits ends as well where, by then, one records it alone.
    leads(&asker.post(&page, &SURE).await, &page);
    assert_eq!(waiting(&case).await, 1);
    let gone = format!("DELETE FROM staff_roles WHERE staff_id = '{}'", other.staff_id);
    sql(case.app.tenant(), &gone).await;
    leads(&asker.post(&page, &SURE).await, &case.page);
    assert_eq!((waiting(&case).await, case.proof().await.as_str()), (0, "letter"));
}

#[tokio::test]
async fn of_two_who_ask_at_the_same_time_one_wish_waits() {
    let case = Box::pin(Case::new()).await;
    let [asker, other] = clerks(&case.app, &[Role::Eligibility]).await;
    let page = case.at("proof");
    let (one, two) = tokio::join!(asker.post(&page, &SURE), other.post(&page, &SURE));
    let mut told = [one.status.as_u16(), two.status.as_u16()];
    told.sort_unstable();
    assert_eq!(told, [303, 409]);
    assert_eq!(states(&case.app).await, ["waiting"]);
}

async fn waiting(case: &Case) -> usize {
    case.app.insurer.count("approvals", "state = 'waiting'").await
}

const OPENS: &str = "保護している方（健保 花代さん）の代わりに手続きする人です。その明細が見られるようになります";
const WARD: &str = "健保 花代さん（この方が、代わりに手続きする人です）";

// security.md 74
#[tokio::test]
async fn whoever_records_and_whoever_agrees_is_told_whose_statements_it_opens_and_nobody_else_is() {
    let case = Box::pin(Case::new()).await;
    let [asker, other] = clerks(&case.app, &[Role::Eligibility]).await;
    let page = case.at("proof");
    assert!(!asker.get(&page).await.text.contains("代わりに手続きする人"));
    leads(&asker.post(&page, &SURE).await, &page);
    let before = wish(&case.app).await;
    let child = TestPerson {
        branch: "02".into(),
        name: "健保　花代".into(),
        kana_name: "ケンポ　ハナヨ".into(),
        relationship: "子".into(),
        birth_date: "2019-09-09".into(),
        ..case.app.person.clone()
    };
    case.app.insurer.import(&[case.app.person.clone(), child]).await;
    let id = "SELECT person_id::text AS line FROM persons WHERE branch = '02'";
    let id = case.app.insurer.lines(id).await.remove(0);
    let guardian = case.page.rsplit('/').next().unwrap();
    let fields = [
        ("subject", id.as_str()),
        ("person", &id),
        ("guardian", guardian),
        ("reason", "支援措置"),
    ];
    assert_eq!(asker.post("/console/protections", &fields).await.status, 303);
    let looked = format!("subject_id = '{id}'");
    let looks = async || case.app.insurer.count("audit_subjects", &looked).await;
    // What was asked for before opens more by now.
    says(&agree(&other, &before).await, 409, "内容が変わったため");

    let seen = looks().await;
    says(&asker.get(&page).await, 200, OPENS);
    assert_eq!(looks().await, seen + 1, "a look at the child");
    leads(&asker.post(&page, &SURE).await, &page);
    let asked = wish(&case.app).await;
    says(&other.get(&asked).await, 200, WARD);
    assert_eq!(looks().await, seen + 2);
    // Who may see protected people no more sees nothing of it, though they had asked.
    sql(
        case.app.tenant(),
        &format!(
            "UPDATE staff_roles SET role = 'viewer' WHERE staff_id = '{}'",
            asker.staff_id
        ),
    )
    .await;
    for path in [asked.as_str(), "/console/approvals?list=asked"] {
        assert!(!asker.get(path).await.text.contains("花代"), "{path}");
    }
    assert_eq!(asker.get(&asked).await.status, 404);
    sql(
        case.app.tenant(),
        &format!(
            "UPDATE staff_roles SET role = 'eligibility' WHERE staff_id = '{}'",
            asker.staff_id
        ),
    )
    .await;
    assert_eq!(agree(&other, &asked).await.status, 303);
    assert_eq!(case.proof().await, "letter");
    says(&other.get(&page).await, 200, "その明細が見られなくなります");
}
