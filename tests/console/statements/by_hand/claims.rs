//! レセプト: withdrawn for a reason up to a label, put back exactly, and never seen by whoever may not.

use super::{Counter, row, tells, tells_nothing_of};
use access::Role;
use testkit::Answer;

const CLAIMS: &str = "/console/statements/claims";
const FIRST: (u32, &str, &str) = (1, "00", "");

impl Counter {
    async fn seek(&self, claim: &str, month: &str) -> Answer {
        let fields = [("kind", "costs"), ("claim", claim), ("month", month)];
        self.clerk.post(CLAIMS, &fields).await
    }

    /// The page of a claim.
    async fn claim(&self, claim: &str) -> String {
        let found = self.seek(claim, "2026年6月").await;
        assert_eq!(found.status, 303, "{}", found.text);
        found.location().to_owned()
    }

    async fn withdraw(&self, page: &str, until: &str) -> Answer {
        let fields = [("reason", "not_theirs"), ("text", "電話で確かめた"), ("until", until)];
        self.clerk.post(page, &fields).await
    }

    async fn struck(&self) -> String {
        let query = "SELECT struck_id::text AS line FROM struck_claims ORDER BY until_label DESC LIMIT 1";
        format!("{CLAIMS}/struck/{}", self.app.insurer.lines(query).await.remove(0))
    }

    /// All that stands in rows of treatment.
    async fn rows(&self) -> Vec<String> {
        let query = "SELECT to_jsonb(r)::text AS line FROM cost_rows r ORDER BY 1";
        self.app.insurer.lines(query).await
    }
}

#[tokio::test]
async fn a_claim_is_found_looked_at_withdrawn_for_a_reason_and_put_back_exactly() {
    let counter = Counter::new().await;
    counter
        .show(&[
            row("2026-08", "K-1", FIRST, "2026-06", 1_000),
            row("2026-08", "K-2", FIRST, "2026-06", 2_000),
        ])
        .await;
    let clerk = &counter.clerk;
    tells(&clerk.get(CLAIMS).await, &["レセプトを探す", "ありません"]);
    for (fields, said) in [
        (
            &[][..],
            &[
                "種類を選んでください",
                "レセプト番号を入力してください",
                "診療年月を入力してください",
            ][..],
        ),
        (
            &[("kind", "costs"), ("claim", "K-1"), ("month", "6月")],
            &["診療年月は、2026年6月"],
        ),
        (
            &[("kind", "costs"), ("claim", "K-9"), ("month", "202606")],
            &["取り込んだ提供分にありません"],
        ),
        (
            &[("kind", "costs"), ("claim", "K\0-1"), ("month", "202606")],
            &["レセプト番号は"],
        ),
        (
            &[("kind", "costs"), ("claim", "K-1"), ("month", "202605")],
            &["取り込んだ提供分にありません"],
        ),
        (
            &[("kind", "medicines"), ("claim", "K-1"), ("month", "202606")],
            &["取り込んだ提供分にありません"],
        ),
    ] {
        let refused = clerk.post(CLAIMS, fields).await;
        assert_eq!(refused.status, 422, "{fields:?}");
        tells(&refused, said);
    }
    // As the file wrote it, in whatever width; in no address.
    let page = counter.claim("Ｋ-1").await;
    assert!(!page.contains("K-1"), "{page}");
    let shown = clerk.get(&page).await;
    tells(
        &shown,
        &[
            "K-1",
            "北村 一郎（100・1・00）",
            "東町クリニック",
            "1,000円",
            "300円",
            "公開中",
            "表示中",
            "2026年8月処理分までの提供分",
        ],
    );
    tells_nothing_of(&shown, &["2,000"]);
    let looked = format!("subject_id = '{}'", counter.person(1, "00").await);
    assert_eq!(counter.app.insurer.count("audit_subjects", &looked).await, 1);
    let before = counter.rows().await;
    let long = "あ".repeat(201);
    for (fields, said) in [
        (&[("until", "2026-08")][..], "理由を選んでください"),
        (
            &[("until", "2026-08"), ("reason", "other"), ("text", &long)],
            "くわしい事情は200文字以内",
        ),
    ] {
        let refused = clerk.post(&page, fields).await;
        assert_eq!(refused.status, 422);
        tells(&refused, &[said]);
    }
    assert_eq!(counter.rows().await, before);
    let done = counter.withdraw(&page, "2026-08").await;
    assert_eq!((done.status.as_u16(), done.location()), (303, page.as_str()));
    assert_eq!(counter.shown().await, ["1-00 K-2 2000"]);
    let after = clerk.get(&page).await;
    tells(
        &after,
        &[
            "レセプトを取り下げました",
            "この画面で取り下げた",
            "取り下げの内容を見る",
        ],
    );
    tells_nothing_of(&after, &["レセプトを取り下げる</button>"]);
    tells(
        &clerk.get(CLAIMS).await,
        &[
            "K-1",
            "2026年8月処理分まで",
            "表示している方の受診ではない",
            "電話で確かめた",
            "窓口　花子",
        ],
    );
    // What was said of it is sealed, and the trail holds no number.
    let sealed = "position(convert_to('電話', 'UTF8') in sealed) = 0 AND length(sealed) > 20";
    assert_eq!(counter.app.insurer.count("struck_claims", sealed).await, 1);
    assert_eq!(counter.trail("statements.claim.withdraw").await, ["staff person done"]);
    assert_eq!(
        counter
            .app
            .insurer
            .count("audit_events", "detail::text LIKE '%K-1%'")
            .await,
        0
    );
    // Twice is once.
    assert_eq!(counter.withdraw(&page, "2026-08").await.status, 409);
    let struck = counter.struck().await;
    tells(
        &clerk.get(&struck).await,
        &["電話で確かめた", "東町クリニック", "取り下げを元に戻す"],
    );
    let restored = clerk.press(&struck).await;
    assert_eq!((restored.status.as_u16(), restored.location()), (303, CLAIMS));
    assert_eq!(counter.rows().await, before);
    assert_eq!(counter.trail("statements.claim.restore").await, ["staff person done"]);
    tells(&clerk.get(CLAIMS).await, &["取り下げを元に戻しました"]);
    assert_eq!(clerk.press(&struck).await.status, 303);
    tells(&clerk.get(CLAIMS).await, &["すでに元に戻されています"]);
    assert_eq!(counter.trail("statements.claim.restore").await.len(), 1);
}

#[tokio::test]
async fn it_stays_withdrawn_in_a_new_version_and_counts_again_with_a_later_label() {
    let counter = Counter::new().await;
    let of = |label, total| row(label, "K-1", FIRST, "2026-06", total);
    counter.show(&[of("2026-08", 1_000)]).await;
    let page = counter.claim("K-1").await;
    assert_eq!(counter.withdraw(&page, "2026-08").await.status, 303);
    // The same label once more, and one that waited until now.
    counter
        .show(&[of("2026-08", 1_100), row("2026-08", "K-2", FIRST, "2026-06", 10)])
        .await;
    assert_eq!(counter.shown().await, ["1-00 K-2 10"]);
    // An older label, loaded later.
    counter.show(&[of("2026-07", 900)]).await;
    assert_eq!(counter.shown().await, ["1-00 K-2 10"]);
    counter.show(&[of("2026-09", 1_200)]).await;
    assert_eq!(counter.shown().await, ["1-00 K-1 1200", "1-00 K-2 10"]);
    // Withdrawn once more, and the one put back without the other.
    let page = counter.claim("K-1").await;
    let earlier = counter.struck().await;
    assert_eq!(counter.withdraw(&page, "2026-09").await.status, 303);
    assert_eq!(counter.shown().await, ["1-00 K-2 10"]);
    assert_eq!(counter.clerk.press(&counter.struck().await).await.status, 303);
    assert_eq!(counter.shown().await, ["1-00 K-1 1200", "1-00 K-2 10"]);
    let back = (statements::Kind::Costs, statements::Month::parse("2026-09").unwrap());
    let withdrawn = counter
        .deliveries()
        .withdraw(counter.app.tenant(), super::by(), back)
        .await;
    assert!(matches!(withdrawn, Ok(kernel::Outcome::Done(_))));
    assert_eq!(counter.shown().await, ["1-00 K-2 10"]);
    assert_eq!(counter.clerk.press(&earlier).await.status, 303);
    assert_eq!(counter.shown().await, ["1-00 K-1 1100", "1-00 K-2 10"]);
}

#[tokio::test]
async fn a_row_that_waited_is_withdrawn_with_its_claim() {
    let counter = Counter::new().await;
    counter
        .show(&[
            row("2026-08", "K-1", FIRST, "2026-06", 1_000),
            row("2026-08", "K-2", (9, "00", ""), "2026-06", 2_000),
        ])
        .await;
    counter.show(&[row("2026-09", "K-2", FIRST, "2026-06", 2_500)]).await;
    let page = counter.claim("K-2").await;
    assert_eq!(counter.withdraw(&page, "2026-09").await.status, 303);
    let held = "SELECT held_id::text AS line FROM held_rows";
    let held = counter.app.insurer.lines(held).await.remove(0);
    let person = counter.person(2, "00").await;
    let path = format!("/console/statements/held/{held}/settle");
    assert_eq!(counter.clerk.post(&path, &[("person", &person)]).await.status, 303);
    assert_eq!(counter.shown().await, ["1-00 K-1 1000"]);
}

#[tokio::test]
async fn what_changed_since_it_was_shown_is_not_withdrawn() {
    let counter = Counter::new().await;
    let of = |label, total| row(label, "K-1", FIRST, "2026-06", total);
    counter.show(&[of("2026-08", 1_000)]).await;
    let page = counter.claim("K-1").await;
    // Loaded, but not shown yet: it counts when it is.
    let ready = counter.load(&[of("2026-09", 1_200)]).await;
    tells(
        &counter.clerk.get(&page).await,
        &["未公開", "2026年8月処理分までの提供分"],
    );
    counter.publish(ready.label).await;
    let refused = counter.withdraw(&page, "2026-08").await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    tells(
        &refused,
        &["明細が変わりました", "2026年9月処理分までの提供分", "電話で確かめた"],
    );
    assert_eq!(counter.withdraw(&page, "").await.status, 409);
    assert_eq!(counter.shown().await, ["1-00 K-1 1200"]);
    let both = [counter.withdraw(&page, "2026-09"), counter.withdraw(&page, "2026-09")];
    let mut statuses: Vec<u16> = futures_util::future::join_all(both)
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    assert_eq!(counter.app.insurer.count("struck_claims", "true").await, 1);
}

// security.md 74
#[tokio::test]
async fn a_protected_persons_claim_is_there_for_nobody_who_may_not_see_them() {
    let counter = Counter::new().await;
    counter
        .show(&[
            row("2026-08", "K-1", (1, "01", ""), "2026-06", 1_000),
            row("2026-08", "K-2", FIRST, "2026-06", 2_000),
        ])
        .await;
    let page = counter.claim("K-1").await;
    assert_eq!(counter.withdraw(&page, "2026-08").await.status, 303);
    let other = counter.claim("K-2").await;
    assert_eq!(counter.withdraw(&other, "2026-08").await.status, 303);
    let query = "SELECT struck_id::text AS line FROM struck_claims WHERE claim_key = 'K-1'";
    let struck = format!("{CLAIMS}/struck/{}", counter.app.insurer.lines(query).await.remove(0));
    counter.protect(&counter.person(1, "01").await).await;
    // What was told of the withdrawal is told once.
    counter.clerk.get(CLAIMS).await;
    let nobodys = counter.seek("K-9", "2026-06").await;
    let theirs = counter.seek("K-1", "2026-06").await;
    assert_eq!((theirs.status, nobodys.status.as_u16()), (nobodys.status, 422));
    assert_eq!(
        theirs.normalized().replace("K-1", "K-9"),
        nobodys.normalized(),
        "as if there were none"
    );
    assert_eq!(counter.clerk.get(&page).await.status, 404);
    assert_eq!(counter.clerk.get(&struck).await.status, 404);
    assert_eq!(counter.withdraw(&page, "2026-08").await.status, 404);
    let list = counter.clerk.get(CLAIMS).await;
    tells(&list, &["K-2"]);
    tells_nothing_of(&list, &["K-1"]);
    counter.clerk.press(&struck).await;
    assert_eq!(counter.app.insurer.count("struck_claims", "true").await, 2);
    let clerk = counter.app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    tells(&clerk.get(CLAIMS).await, &["K-1", "K-2"]);
    tells(&clerk.get(&page).await, &["北村 花子"]);
    assert_eq!(clerk.press(&struck).await.status, 303);
    assert_eq!(counter.shown().await, ["1-01 K-1 1000"]);
}

// security.md 51
#[tokio::test]
async fn another_insurers_claims_are_not_here() {
    let (counter, other) = (Counter::new().await, Counter::new().await);
    for of in [&counter, &other] {
        of.show(&[row("2026-08", "K-1", FIRST, "2026-06", 1_000)]).await;
    }
    let theirs = other.claim("K-1").await;
    assert_eq!(other.withdraw(&theirs, "2026-08").await.status, 303);
    let struck = other.struck().await;
    assert_eq!(counter.clerk.get(&struck).await.status, 404);
    counter.clerk.press(&struck).await;
    assert!(other.shown().await.is_empty());
    assert_eq!(counter.shown().await, ["1-00 K-1 1000"]);
    tells_nothing_of(&counter.clerk.get(CLAIMS).await, &["K-1"]);
    for nowhere in ["9-202606-2", "1-202605-2", "1-202606-9", "1-2-3", "x"] {
        let page = format!("{CLAIMS}/{nowhere}");
        assert_eq!(counter.clerk.get(&page).await.status, 404, "{nowhere}");
        assert_eq!(counter.withdraw(&page, "2026-08").await.status, 404, "{nowhere}");
    }
}
