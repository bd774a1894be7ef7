//! Who is not let in, and whom nobody sees: without a reason, of another insurer, protected, without the right.

use super::{Family, PREVIEW, family, leads, people, says, sql};
use access::{Reach, Role};
use serde_json::json;
use tenancy::{Feature, FeatureState, Features};
use testkit::{TestClerk, TestPerson};

async fn find(clerk: &TestClerk, fields: &[(&str, &str)]) -> testkit::Answer {
    let chosen = [("shown", "costs"), ("reason", "inquiry")];
    clerk.post(PREVIEW, &[fields, &chosen[..]].concat()).await
}

#[tokio::test]
async fn without_a_reason_there_is_no_page_and_no_look() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let id = family.ids["1-00"];
    let ask = format!("{PREVIEW}?person={id}");
    for asked in ["", "reason=", "reason=curiosity"] {
        let answer = family.seen_by(&clerk, "1-00", "costs", asked).await;
        leads(&answer, &ask);
    }
    assert!(family.looks().await.is_empty());
    let fields = [("symbol", "100"), ("number", "1"), ("branch", "00"), ("shown", "costs")];
    says(&clerk.post(PREVIEW, &fields).await, 422, "理由を選んでください");
    let fields = [("symbol", "100"), ("number", "1"), ("reason", "inquiry")];
    says(&clerk.post(PREVIEW, &fields).await, 422, "見る画面を選んでください");
    // Months and years that are nobody's, and people who are not of the family.
    for page in ["costs/2020-01", "costs/2026-6", "costs/tax/2020", "costs?year=2020"] {
        let answer = family.seen_by(&clerk, "1-00", page, "reason=inquiry").await;
        assert_eq!(answer.status, 404, "{page}");
    }
    let stranger = format!("costs?person={}", family.ids["2-00"]);
    let answer = family.seen_by(&clerk, "1-00", &stranger, "reason=inquiry").await;
    assert_eq!(answer.status, 404);
    assert!(family.looks().await.is_empty());
}

#[tokio::test]
async fn somebody_is_found_by_their_number_or_chosen_on_their_page() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let path = format!("{PREVIEW}/{}/costs?reason=inquiry", family.ids["1-01"]);
    let found = find(&clerk, &[("symbol", "１００"), ("number", "1"), ("branch", "01")]).await;
    leads(&found, &path);
    let page = find(&clerk, &[("symbol", "100"), ("number", "1"), ("branch", "")]).await;
    says(&page, 200, "健保　花子");
    says(&page, 200, &path);
    let list = json!({ "what": "preview", "filters": ["number"], "people": 3 });
    assert_eq!(family.looks().await, [("people.look 1-00 1-01 1-02".to_owned(), list)]);
    let none = find(&clerk, &[("symbol", "100"), ("number", "777")]).await;
    says(&none, 422, "番号を、名簿のとおりに入力してください");
    let id = family.ids["1-01"].to_string();
    says(
        &clerk.get(&format!("{PREVIEW}?person={id}")).await,
        200,
        "健保 花子さん",
    );
    leads(&find(&clerk, &[("person", &id)]).await, &path);
    let page = clerk.get(&format!("/console/members/{id}")).await;
    says(&page, 200, &format!("href=\"{PREVIEW}?person={id}\""));
}

// security.md 74
#[tokio::test]
async fn a_protected_person_is_told_by_name_alone_and_that_is_a_look() {
    let family = family().await;
    family.protect("1-01").await;
    let id = family.ids["1-01"].to_string();
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let ask = format!("{PREVIEW}?person={id}");
    for path in [
        ask.clone(),
        format!("{PREVIEW}/{id}/costs?reason=inquiry"),
        format!("{PREVIEW}/{id}/costs/tax/2026?reason=inquiry"),
        format!("{PREVIEW}/{id}/medicines?reason=inquiry"),
    ] {
        let page = clerk.get(&path).await;
        says(&page, 200, "この方の明細は、資格担当へお問い合わせください。");
        for told in ["西町医院", "円", "登録"] {
            assert!(!page.text.contains(told), "{path}: {told}");
        }
    }
    let looks = family.looks().await;
    assert!(looks.iter().all(|(shown, _)| shown == "person.look 1-01"), "{looks:?}");
    assert!(!looks.is_empty());
    let page = find(&clerk, &[("symbol", "100"), ("number", "1"), ("branch", "01")]).await;
    says(&page, 200, "資格担当へお問い合わせください");
    assert!(!page.text.contains(&id) && page.text.contains("健保　花子"));
    // Whoever may see her sees what she would.
    let both = family.app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    let page = both.get(&format!("{PREVIEW}/{id}/costs?reason=inquiry")).await;
    says(&page, 200, "まだデータがありません");
}

#[tokio::test]
async fn whoever_may_not_is_refused_and_another_insurers_people_do_not_exist() {
    let (here, there) = (family().await, Family::new().await);
    let paths = [
        PREVIEW.to_owned(),
        format!("{PREVIEW}/{}/costs?reason=inquiry", here.ids["1-00"]),
    ];
    for role in [Role::Administrator, Role::Eligibility, Role::CallCentre, Role::Auditor] {
        let clerk = here.app.clerk(&[role]).await;
        for path in &paths {
            assert_eq!(clerk.get(path).await.status, 403, "{role:?} {path}");
        }
    }
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = here.app.clerk_reaching(&[Role::Benefits], &reach).await;
    for path in &paths {
        assert_eq!(bounded.get(path).await.status, 403, "{path}");
    }
    let elsewhere = there.app.clerk(&[Role::Benefits]).await;
    assert_eq!(elsewhere.get(&paths[1]).await.status, 404);
    let ask = format!("{PREVIEW}?person={}", here.ids["1-00"]);
    assert_eq!(elsewhere.get(&ask).await.status, 404);
    assert!(here.looks().await.is_empty() && there.looks().await.is_empty());
}

#[tokio::test]
async fn what_a_member_could_not_open_is_not_opened_in_their_place() {
    let family = Family::of(
        |folder| {
            let features = [(Feature::CostStatements, FeatureState::Preparing)];
            folder.settings.modules = Features::from_iter(features);
        },
        &people(),
    )
    .await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let delivery = super::visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 1_000);
    let delivery = family.desk.load(&[delivery]).await;
    let see = async |page: &str, asked: &str| family.seen_by(&clerk, "1-00", page, asked).await;
    assert_eq!(see("costs", "reason=inquiry").await.status, 404);
    assert_eq!(see("medicines", "reason=before_publication").await.status, 404);
    // What is prepared is looked at before it opens.
    let waits = format!("reason=before_publication&delivery={}", delivery.delivery.0);
    says(&see("costs", &waits).await, 200, "東町クリニック");
}

#[tokio::test]
async fn for_whom_nothing_opens_any_more_there_is_nothing_to_see() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let see = async || family.seen_by(&clerk, "1-00", "costs", "reason=inquiry").await;
    let lose = async |day: &str| {
        let lost = TestPerson {
            lost_on: day.into(),
            ..people()[0].clone()
        };
        let [_, mother, child, other] = people();
        family.desk.test.import(&[lost, mother, child, other]).await;
    };
    // A former member reads on, by the menu that is left to them.
    lose("2026-10-01").await;
    let page = see().await;
    says(&page, 200, "東町クリニック");
    says(&page, 200, "閲覧の記録");
    lose("2024-10-01").await;
    let page = see().await;
    says(&page, 200, "マイページを開けません");
    assert!(!page.text.contains("東町クリニック"));
    let why = json!({ "what": "preview", "reason": "inquiry" });
    assert_eq!(family.looks().await.pop(), Some(("person.look 1-00".to_owned(), why)));
    let proofs = "UPDATE accounts SET proof = 'letter'";
    sql(family.desk.tenant(), proofs).await;
    says(&see().await, 200, "マイページを開けません");
}
