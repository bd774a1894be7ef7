//! What no setting can be, whoever asks.

use super::{DESK, REVISIONS, SENDER, SETTINGS, administrator, filled, revisions, save, seen, send};
use testkit::TestApp;

#[tokio::test]
async fn what_is_wrong_is_said_at_every_field_at_once_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let wrong = [
        ("phone", "123"),
        ("desk_name", ""),
        ("closed_dates", "2026-02-30"),
        ("email", "nowhere"),
        ("from_0", "13:00"),
        ("to_0", "12:00"),
        ("why", ""),
    ];
    let refused = save(&clerk, DESK, &wrong).await;
    assert_eq!(refused.status, 422);
    for field in ["phone", "desk_name", "closed_dates", "email", "hours", "why"] {
        assert!(
            refused.text.contains(&format!("href=\"#f-{field}\"")),
            "{field}: {}",
            refused.text
        );
    }
    assert!(
        refused.text.contains("value=\"nowhere\"") && refused.text.contains("2026-02-30"),
        "what was typed stays"
    );
    for (topic, changed, field) in [
        ("branding", ("brand_color", "orange"), "brand_color"),
        ("branding", ("kana", "健保"), "kana"),
        ("modules", ("survey", ""), "survey"),
        ("sign-up", ("relations", "01＝だれか"), "relations"),
        ("sign-up", ("relations", "01＝本人\r\n01＝子"), "relations"),
        ("log-in", ("minimum_length", "7"), "minimum_length"),
        ("log-in", ("absolute_hours", "13"), "absolute_hours"),
        ("sender", ("sender_address", "nobody"), "sender_address"),
        ("networks", ("networks", "192.0.2.0/8 10"), "networks"),
        ("networks", ("networks", "192.0.2.0/28"), "networks"),
        ("retention", ("after_loss_days", "367"), "after_loss_days"),
    ] {
        let refused = save(&clerk, &format!("{SETTINGS}/{topic}"), &[changed]).await;
        assert_eq!(refused.status, 422, "{topic} {changed:?}");
        assert!(
            refused.text.contains(&format!("href=\"#f-{field}\"")),
            "{topic}: {}",
            refused.text
        );
    }
    assert_eq!(revisions(&app).await.len(), 1);
}

#[tokio::test]
async fn a_sender_stands_on_domains_that_the_operator_released_and_no_other() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let address = ("sender_address", "info@kenpo.example");
    let refused = save(&clerk, SENDER, &[address]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("運営が許可したドメイン"), "{}", refused.text);
    // Nor beside it: a page can't widen what is released.
    let released = save(&clerk, SENDER, &[address, ("sender_domains", "kenpo.example")]).await;
    assert_eq!(released.status, 422);
    let domains = ["KENPO.example".to_owned()];
    let now = app.clock().now();
    let database = &app.ground.database;
    tenancy::release_senders(database, now, app.tenant(), &domains)
        .await
        .unwrap()
        .unwrap();
    let saved = save(&clerk, SENDER, &[address]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(seen(&app).await.sender.address.as_str(), "info@kenpo.example");
    // Nor does taking back lead to an address that is not released; it is told where the address is set.
    let last = revisions(&app).await.pop().unwrap();
    let path = format!("{REVISIONS}/{}/take-back", last.split(' ').next().unwrap());
    let back = send(&clerk, &path, &filled(&clerk.get(&path).await, &[("why", "戻す")])).await;
    assert_eq!(back.status, 422, "{}", back.text);
    assert!(back.text.contains("id=\"f-sender_address\""), "{}", back.text);
    assert_eq!(seen(&app).await.sender.address.as_str(), "info@kenpo.example");
    // A domain below or beside it is another.
    for address in ["info@mail.kenpo.example", "info@notkenpo.example"] {
        assert_eq!(
            save(&clerk, SENDER, &[("sender_address", address)]).await.status,
            422,
            "{address}"
        );
    }
    // Taken back, it lasts where it is used, and isn't come back to.
    tenancy::release_senders(database, now, app.tenant(), &[])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(save(&clerk, SENDER, &[("sender_name", "健保")]).await.status, 303);
    let wrong = tenancy::release_senders(database, now, app.tenant(), &["no domain".to_owned()])
        .await
        .unwrap();
    assert_eq!(wrong, Err("no domain".to_owned()));
}

// security.md 42
#[tokio::test]
async fn how_members_log_in_is_changed_by_who_has_just_proven_a_second_factor() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let page = clerk.get("/console/settings/log-in").await;
    let fields = filled(&page, &[("minimum_length", "12"), ("why", "厳しくする")]);
    app.later(600);
    let late = send(&clerk, "/console/settings/log-in", &fields).await;
    assert_eq!(late.status, 303);
    assert!(late.location().starts_with("/console/prove"), "{}", late.location());
    assert!(
        clerk
            .get("/console/settings/log-in")
            .await
            .location()
            .starts_with("/console/prove")
    );
    assert_eq!(seen(&app).await.password.minimum_length, 8);
    // Of the rest it isn't asked.
    assert_eq!(save(&clerk, DESK, &[("phone", "03-1111-1111")]).await.status, 303);
}

#[tokio::test]
async fn days_after_loss_are_refused_beyond_their_bounds_and_taken_at_them() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let retention = format!("{SETTINGS}/retention");
    for wrong in ["-1", "367", "1.5", "", "十日", "30日", "99999999999999999999"] {
        let refused = save(&clerk, &retention, &[("after_loss_days", wrong)]).await;
        assert_eq!(refused.status, 422, "{wrong}");
        assert!(
            refused.text.contains("href=\"#f-after_loss_days\"") && refused.text.contains("0～366の数字"),
            "{wrong}: {}",
            refused.text
        );
    }
    for right in ["0", "３６６"] {
        let saved = save(&clerk, &retention, &[("after_loss_days", right)]).await;
        assert_eq!(saved.status, 303, "{right}: {}", saved.text);
    }
    assert_eq!(seen(&app).await.after_loss_days, 366);
}

// A network listed here may try more than others: none that is left out, and none that is listed, is shut out by it.
#[tokio::test]
async fn networks_only_widen_what_may_be_tried_so_that_nobody_shuts_themself_out() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let networks = format!("{SETTINGS}/networks");
    for wrong in [
        "192.0.2.0/28 1",
        "192.0.2.0/28 0",
        "192.0.2.0/28 -2",
        "192.0.2.0/28 101",
        "0.0.0.0/0 2",
        "::/0 2",
        "192.0.2.1/28 2",
        "::ffff:192.0.2.0/124 2",
        "192.0.2.0/28 2\r\n192.0.2.8/29 3",
        "本社 2",
    ] {
        let refused = save(&clerk, &networks, &[("networks", wrong)]).await;
        assert_eq!(refused.status, 422, "{wrong}");
        assert!(
            refused.text.contains("href=\"#f-networks\""),
            "{wrong}: {}",
            refused.text
        );
    }
    // With another's alone, with the clerk's own, with none.
    for right in ["192.0.2.0/28 2", "127.0.0.0/20 2", ""] {
        let saved = save(&clerk, &networks, &[("networks", right)]).await;
        assert_eq!(saved.status, 303, "{right}: {}", saved.text);
        app.later(2);
        assert_eq!(clerk.get(SETTINGS).await.status, 200, "{right}");
        assert_eq!(app.in_another_browser(&clerk).await.get(SETTINGS).await.status, 200);
        assert_eq!(app.client().get("/console/login").await.status, 200);
    }
}
