//! 公開前の確認: a delivery that waits is seen as the members will see it, and by nobody and nothing else.

use super::{COSTS, Family, PAGES, PREVIEW, family, leads, medicine, says, says_all, taken_back, visit};
use crate::statements::Kind;
use access::Role;
use statements::delivery::Delivery;
use testkit::TestClerk;

async fn as_if(family: &Family, clerk: &TestClerk, page: &str, delivery: &Delivery) -> String {
    let asked = format!("reason=before_publication&delivery={}", delivery.delivery.0);
    let page = family.seen_by(clerk, "1-00", page, &asked).await;
    says(&page, 200, "を、公開したものとして表示しています。");
    says_all(&page)
}

/// Loads a delivery, looks at it, publishes it, and sees that the member sees the same; before, they see nothing of it.
async fn is_told_before(family: &Family, clerk: &TestClerk, rows: &[String]) {
    let before = says_all(&family.page("/portal/costs?year=2026").await);
    let delivery = family.desk.load(rows).await;
    let pages = PAGES.into_iter().filter(|page| page.starts_with("costs"));
    let mut expected = Vec::new();
    for page in pages {
        expected.push((page, as_if(family, clerk, page, &delivery).await));
    }
    let after = says_all(&family.page("/portal/costs?year=2026").await);
    assert_eq!(before, after);
    let seen = family.seen_by(clerk, "1-00", "costs?year=2026", "reason=inquiry").await;
    assert_eq!(says_all(&seen), before);
    family.desk.publish(Kind::Costs, &delivery.label.to_string()).await;
    // What the publication changes of what was seen is told to the member alone, once.
    family.page(COSTS).await;
    for (page, expected) in expected {
        assert_eq!(
            says_all(&family.page(&format!("/portal/{page}")).await),
            expected,
            "{page}"
        );
    }
    family.app.later(60);
}

#[tokio::test]
async fn a_delivery_that_waits_is_seen_as_the_members_will_see_it() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    family.page(COSTS).await;
    family.app.later(60);
    // A later label: corrects, takes back, and brings a month of its own.
    is_told_before(
        &family,
        &clerk,
        &[
            visit("2026-10", "c2", "1-01", "2026-06", "西町医院", 6_000),
            taken_back("2026-10", "c1", 1, "2026-06"),
            visit("2026-10", "c6", "1-02", "2026-07", "南町小児科", 400),
        ],
    )
    .await;
    // Another version of a label in between: what its first one corrected stands again, where no later one does.
    is_told_before(
        &family,
        &clerk,
        &[
            visit("2026-09", "c3", "1-02", "2026-05", "南町小児科", 8_000),
            visit("2026-09", "c1", "1-00", "2026-06", "東町クリニック", 30_000),
        ],
    )
    .await;
    // And of the oldest, which later ones have corrected.
    is_told_before(
        &family,
        &clerk,
        &[
            visit("2026-08", "c1", "1-00", "2026-06", "北町クリニック", 1_000),
            visit("2026-08", "c2", "1-01", "2026-06", "北町クリニック", 1_000),
            visit("2026-08", "c7", "1-01", "2026-06", "北町クリニック", 1_000),
            visit("2026-08", "c4", "1-01", "2025-12", "北町クリニック", 1_000),
        ],
    )
    .await;
}

#[tokio::test]
async fn so_are_medicines() {
    let family = Family::new().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let rows = [medicine("m1", "1-00", "2026-06"), medicine("m2", "1-02", "2026-05")];
    let delivery = family.load_medicines(&rows).await;
    let mut expected = Vec::new();
    for page in ["medicines", "medicines/2026-06", "medicines/2026-05"] {
        expected.push((page, as_if(&family, &clerk, page, &delivery).await));
    }
    says(&family.page("/portal/medicines").await, 200, "まだデータがありません");
    family.desk.publish(Kind::Medicines, "2026-08").await;
    for (page, expected) in expected {
        assert_eq!(says_all(&family.page(&format!("/portal/{page}")).await), expected);
    }
}

// security.md 74
#[tokio::test]
async fn nothing_of_a_protected_child_is_in_it_either() {
    let family = family().await;
    family.protect("1-02").await;
    let clerk = family.app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    let rows = [
        visit("2026-10", "h1", "1-02", "2026-07", "隠れ町小児科", 50_000),
        visit("2026-10", "c9", "1-00", "2026-07", "東町クリニック", 1_000),
    ];
    let delivery = family.desk.load(&rows).await;
    let page = as_if(&family, &clerk, "costs", &delivery).await;
    assert!(!page.contains("隠れ町") && page.contains("300円"), "{page}");
}

#[tokio::test]
async fn it_is_seen_for_that_reason_alone_while_it_waits_and_as_what_it_is() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let delivery = family
        .desk
        .load(&[visit("2026-10", "w1", "1-00", "2026-07", "待ち町医院", 1_000)])
        .await;
    let no = delivery.delivery.0;
    let ask = format!("{PREVIEW}?person={}", family.ids["1-00"]);
    let see = async |page: &str, asked: &str| family.seen_by(&clerk, "1-00", page, asked).await;
    let waits = format!("reason=before_publication&delivery={no}");
    says(&see("costs", &waits).await, 200, "待ち町医院");
    for (page, asked) in [
        ("costs", format!("reason=inquiry&delivery={no}")),
        ("medicines", waits.clone()),
        ("costs", "reason=before_publication&delivery=1".to_owned()),
        ("costs", "reason=before_publication&delivery=99".to_owned()),
        ("costs", "reason=before_publication&delivery=x".to_owned()),
    ] {
        let answer = see(page, &asked).await;
        leads(&answer, &ask);
        assert!(!answer.text.contains("待ち町"), "{asked}");
    }
    says(&clerk.get(&ask).await, 200, "公開前のものではなくなりました");
    // On the form it can be chosen, for that reason alone.
    says(
        &clerk.get(PREVIEW).await,
        200,
        "公開前：医療費通知 2026年10月処理分 第1版",
    );
    let no = no.to_string();
    let choose = async |reason: &str| {
        let fields = [("symbol", "100"), ("number", "1"), ("branch", "00"), ("shown", &no)];
        clerk
            .post(PREVIEW, &[&fields[..], &[("reason", reason)]].concat())
            .await
    };
    says(&choose("inquiry").await, 422, "「公開前の確認」を選んでください");
    let path = format!(
        "{PREVIEW}/{}/costs?reason=before_publication&delivery={no}",
        family.ids["1-00"]
    );
    leads(&choose("before_publication").await, &path);
    family.desk.publish(Kind::Costs, "2026-10").await;
    leads(&clerk.get(&path).await, &ask);
    leads(&see("costs", &waits).await, &ask);
}
