//! Who is told, and of what.

use super::{NEIGHBOUR, Street, WISHES, cost, of_family, people, put, visit};
use crate::{
    portal::{leads, says},
    statements::{Kind, done, medicine, taken_back},
};
use chrono::{DateTime, TimeDelta};
use kernel::TenantSecret;
use statements::{
    disclosures::{self, AskedBy},
    visibility::Audience,
};
use tenancy::{Feature, FeatureState};
use testkit::{TestPerson, sql};

#[tokio::test]
async fn whoever_sees_a_new_row_is_told_that_there_is_something_and_never_what() {
    let street = Street::new().await;
    // The wife's and the child's, of which the father is notified; nothing of his own and nothing of the neighbour's.
    street
        .desk
        .show(&[
            visit("2026-10", "01", "M1", "2026-08", 12_340),
            visit("2026-10", "02", "C1", "2026-07", 5_000),
        ])
        .await;
    assert_eq!(street.told().await, (1, 0));
    let mails = street.app.mailbox.mails_to(&street.father.email);
    let mail = mails
        .iter()
        .find(|mail| mail.subject.contains("のお知らせがあります"))
        .unwrap();
    assert_eq!(mail.subject, "【マイページ】新しい医療費のお知らせがあります");
    for part in [&mail.text, &mail.html] {
        assert!(
            part.contains("/portal/costs") && part.contains("ログインして"),
            "{part}"
        );
        for secret in [
            "東町", "12,340", "12340", "3702", "3,702", "北村", "花子", "次郎", "8月", "7月", "10月", "2026",
        ] {
            assert!(!part.contains(secret), "{secret}: {part}");
        }
    }
    assert!(mail.unsubscribe.as_ref().unwrap().contains("/portal/mails/stop?token="));
    // Nothing in clear tells which of the two it was, and staff are not shown that there was one.
    let clear = "SELECT concat(template, ' ', subject_id IS NULL) AS line FROM mails WHERE template LIKE '%statement%'";
    assert_eq!(street.desk.test.lines(clear).await, ["new_statement f"]);
    let clerk = street.app.clerk(&[access::Role::Administrator]).await;
    let page = clerk
        .get(&format!("/console/members/{}", street.ids[&of_family("00")]))
        .await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("新しいお知らせのご案内"), "{}", page.text);
}

#[tokio::test]
async fn medicines_are_told_of_as_medicines_and_to_whom_they_are_shown() {
    let street = Street::new().await;
    let delivery = street
        .desk
        .medicines(&[medicine("2026-10", "D1", 2, "2026-08", 999_000_001)])
        .await;
    crate::statements::loaded(delivery);
    street.desk.publish(Kind::Medicines, "2026-10").await;
    assert_eq!(street.told().await, (0, 1));
    let mails = street.app.mailbox.mails_to(&street.neighbour.email);
    let mail = mails.iter().find(|mail| mail.unsubscribe.is_some()).unwrap();
    assert_eq!(mail.subject, "【マイページ】新しいお薬のお知らせがあります");
    assert!(
        mail.text.contains("/portal/medicines") && !mail.text.contains("アサガオ"),
        "{}",
        mail.text
    );
}

// security.md 74
#[tokio::test]
async fn nobody_is_told_of_rows_that_are_hidden_from_them() {
    for (audience, told) in [
        (Audience::Household, 1),
        (Audience::SelfOnly, 0),
        (Audience::Suppressed, 0),
    ] {
        let street = Street::new().await;
        let (tenant, now) = (street.desk.tenant(), street.app.clock().now());
        let mut tx = street.desk.test.write(tenant).await;
        let whose = (street.ids[&of_family("01")], Kind::Costs);
        let wish = (audience, Audience::Household);
        disclosures::set(&mut tx, now, whose, wish, AskedBy::Person)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        street
            .desk
            .show(&[visit("2026-10", "01", "M1", "2026-08", 1_000)])
            .await;
        assert_eq!(street.told().await, (told, 0), "{audience:?}");
    }
    let street = Street::new().await;
    street.protect(&of_family("01"), None).await;
    street
        .desk
        .show(&[visit("2026-10", "01", "M1", "2026-08", 1_000)])
        .await;
    assert_eq!(street.told().await, (0, 0), "protected");
}

// security.md 74
#[tokio::test]
async fn a_guardian_is_told_of_their_ward_once_they_are_proven_by_letter() {
    for (is_proven, told) in [(false, (0, 0)), (true, (0, 1))] {
        let street = Street::new().await;
        street.protect(&of_family("02"), Some(NEIGHBOUR)).await;
        if is_proven {
            street.prove(NEIGHBOUR).await;
        }
        street
            .desk
            .show(&[visit("2026-10", "02", "C1", "2026-08", 1_000)])
            .await;
        assert_eq!(street.told().await, told, "{is_proven}");
    }
}

// security.md 74
#[tokio::test]
async fn the_protected_are_told_only_if_they_say_so_and_are_proven_by_letter() {
    let street = Street::new().await;
    let client = street.inside(&street.neighbour).await;
    street.protect(NEIGHBOUR, None).await;
    street.prove(NEIGHBOUR).await;
    let is_wished = async || client.get(WISHES).await.text.contains("value=\"statements\" checked");
    assert!(!is_wished().await, "nobody has said anything");
    street.desk.show(&[cost("2026-09", "N1", 2, "2026-07", 1_000)]).await;
    assert_eq!(street.told().await, (0, 0));
    leads(&client.post(WISHES, &[("wished", "statements")]).await, WISHES);
    assert!(is_wished().await);
    street.desk.show(&[cost("2026-10", "N2", 2, "2026-08", 1_000)]).await;
    assert_eq!(street.told().await, (0, 1));
    // Whoever is protected from now on has said nothing since.
    let mut tx = street.app.write(street.app.tenant()).await;
    accounts::turn_mails_off(&mut tx, street.app.clock().now(), street.ids[NEIGHBOUR])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(!is_wished().await);
}

// security.md 74
#[tokio::test]
async fn facts_alone_open_nothing_of_the_protected_whatever_they_wish() {
    let street = Street::new().await;
    let client = street.inside(&street.neighbour).await;
    street.protect(NEIGHBOUR, None).await;
    leads(&client.post(WISHES, &[("wished", "statements")]).await, WISHES);
    street.desk.show(&[cost("2026-10", "N1", 2, "2026-08", 1_000)]).await;
    assert_eq!(street.told().await, (0, 0));
}

// security.md 43
#[tokio::test]
async fn one_click_ends_these_mails_alone_and_the_page_says_which() {
    let street = Street::new().await;
    street.desk.show(&[cost("2026-09", "N1", 2, "2026-07", 1_000)]).await;
    assert_eq!(street.told().await, (0, 1));
    let mails = street.app.mailbox.mails_to(&street.neighbour.email);
    let stop = mails.iter().find_map(|mail| mail.unsubscribe.clone()).unwrap();
    let stop = stop[stop.find("/portal/").unwrap()..].to_owned();
    let link = TenantSecret::parse(stop.split("token=").nth(1).unwrap()).unwrap();
    let found = street.app.accounts.mails_to_stop(&link).await.unwrap().unwrap();
    assert_eq!(found.stream, accounts::Stream::Statements);
    let stranger = street.app.client();
    says(&stranger.get(&stop).await, 200, "医療費・お薬のお知らせ");
    says(
        &stranger.press(&stop).await,
        200,
        "「医療費・お薬のお知らせ」のメールの配信を止めました",
    );
    let page = street.inside(&street.neighbour).await.get(WISHES).await;
    assert!(page.text.contains("value=\"insurer\" checked") && !page.text.contains("value=\"statements\" checked"));
    street.desk.show(&[cost("2026-10", "N2", 2, "2026-08", 1_000)]).await;
    assert_eq!(street.told().await, (0, 1));
}

#[tokio::test]
async fn a_stream_that_is_not_offered_is_neither_shown_nor_changed() {
    let without = |folder: &mut tenancy::Folder| {
        let features = [Feature::CostStatements, Feature::GenericSavings];
        put(folder, &features, FeatureState::Hidden);
    };
    let street = Street::with(without).await;
    let client = street.inside(&street.father).await;
    let page = client.get(WISHES).await;
    assert!(page.status == 200 && !page.text.contains("value=\"statements\""));
    leads(&client.post(WISHES, &[("wished", "insurer")]).await, WISHES);
    let said = "stream = 'statements'";
    assert_eq!(street.desk.test.count("mail_wishes", said).await, 0);
}

#[tokio::test]
async fn a_correction_is_told_to_those_whose_rows_it_changes() {
    let street = Street::new().await;
    let again = |total| cost("2026-09", "N1", 2, "2026-07", total);
    street
        .desk
        .show(&[visit("2026-09", "00", "F1", "2026-07", 1_000), again(2_000)])
        .await;
    assert_eq!(street.told().await, (1, 1));
    // Another version of the same label: the neighbour's is as it was, though its line is another.
    street
        .load(&[again(2_000), visit("2026-09", "00", "F1", "2026-07", 900)])
        .await;
    street.desk.publish(Kind::Costs, "2026-09").await;
    assert_eq!(street.told().await, (2, 1));
    // A later label corrects the neighbour's, and has the father's once more.
    street
        .desk
        .show(&[
            visit("2026-10", "00", "F1", "2026-07", 900),
            cost("2026-10", "N1", 2, "2026-07", 1_500),
        ])
        .await;
    assert_eq!(street.told().await, (2, 2));
    // What was taken back is no news: the page says it.
    street.desk.show(&[taken_back("2026-11", "N1", 2, "2026-07")]).await;
    assert_eq!(street.told().await, (2, 2));
}

#[tokio::test]
async fn rows_without_a_number_that_come_to_nothing_are_no_news() {
    let street = Street::new().await;
    street.desk.show(&[visit("2026-09", "00", "", "2026-07", 1_500)]).await;
    assert_eq!(street.told().await, (1, 0));
    street.desk.show(&[visit("2026-10", "00", "", "2026-07", -1_500)]).await;
    assert_eq!(street.told().await, (1, 0), "taken back");
    street
        .desk
        .show(&[
            visit("2026-11", "00", "", "2026-06", -1_500),
            visit("2026-11", "00", "", "2026-06", 1_200),
        ])
        .await;
    assert_eq!(street.told().await, (2, 0));
}

#[tokio::test]
async fn former_members_are_told_of_their_own_until_their_time_is_over() {
    let street = Street::new().await;
    let client = street.inside(&street.neighbour).await;
    let mut all = people();
    all[3] = TestPerson {
        lost_on: "2026-11-01".into(),
        ..all[3].clone()
    };
    street.app.insurer.import(&all).await;
    street.desk.show(&[cost("2026-09", "N1", 2, "2026-07", 1_000)]).await;
    assert_eq!(street.told().await, (0, 1));
    // They choose, of what they are still told.
    let page = client.get(WISHES).await;
    says(&page, 200, "医療費・お薬のお知らせ");
    assert!(!page.text.contains("組合からのお知らせ") && !page.text.contains("href=\"/portal/account\""));
    leads(&client.press(WISHES).await, WISHES);
    let off = "stream = 'statements' AND off_at IS NOT NULL";
    assert_eq!(street.desk.test.count("mail_wishes", off).await, 1);
    assert_eq!(street.desk.test.count("mail_wishes", "stream = 'insurer'").await, 0);
    leads(&client.post(WISHES, &[("wished", "statements")]).await, WISHES);
    let april = DateTime::parse_from_rfc3339("2027-04-01T00:00:00+09:00")
        .unwrap()
        .to_utc();
    street.app.insurer.clock.advance(april - street.app.clock().now());
    street.desk.show(&[cost("2026-10", "N2", 2, "2026-08", 1_000)]).await;
    assert_eq!(street.told().await, (0, 1));
}

#[tokio::test]
async fn who_has_closed_their_account_is_told_of_nothing() {
    let street = Street::new().await;
    let close = [("current_password", testkit::PASSWORD)];
    let client = street.inside(&street.neighbour).await;
    leads(&client.post("/portal/account/close", &close).await, "/portal/");
    street.desk.show(&[cost("2026-10", "N1", 2, "2026-08", 1_000)]).await;
    assert_eq!(street.told().await, (0, 0));
}

#[tokio::test]
async fn what_is_published_at_a_time_is_told_of_then() {
    let street = Street::new().await;
    street.load(&[cost("2026-10", "N1", 2, "2026-08", 1_000)]).await;
    let at = street.app.clock().now() + TimeDelta::hours(2);
    let what = (Kind::Costs, super::super::month("2026-10"), None);
    let by = super::super::by();
    done(
        street
            .desk
            .deliveries
            .publish_at(street.app.tenant(), by, what, at)
            .await
            .unwrap(),
    );
    assert_eq!(street.told().await, (0, 0));
    street.app.later(2 * 3600 + 1);
    assert_eq!(street.told().await, (0, 1));
}

#[tokio::test]
async fn months_that_are_not_kept_any_more_are_no_news() {
    let street = Street::with(|folder| folder.settings.statements.months_online = 12).await;
    street.load(&[cost("2026-10", "N1", 2, "2025-12", 1_000)]).await;
    street.desk.publish(Kind::Costs, "2026-10").await;
    // The only month falls out of sight before its turn.
    let old = "UPDATE statement_deliveries SET months = '{2025-06-01}'; UPDATE cost_rows SET month = '2025-06-01'";
    sql(street.app.tenant(), old).await;
    assert_eq!(street.told().await, (0, 0));
}
