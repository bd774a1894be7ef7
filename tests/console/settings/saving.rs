//! What is saved, and by whom.

use super::{BRANDING, DESK, REVISIONS, SETTINGS, administrator, revisions, save, seen};
use access::Role;
use testkit::TestApp;

#[tokio::test]
async fn what_is_saved_is_a_revision_with_who_and_why_and_nodes_see_it_within_seconds() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let saved = save(
        &clerk,
        BRANDING,
        &[("brand_color", "#F39800"), ("why", "新しい色に合わせる")],
    )
    .await;
    assert_eq!(
        (saved.status.as_u16(), saved.location()),
        (303, BRANDING),
        "{}",
        saved.text
    );
    let insurer = seen(&app).await;
    assert_eq!(
        (insurer.brand.color.to_string().as_str(), insurer.revision),
        ("#f39800", 2)
    );
    assert_eq!(revisions(&app).await[1], "2 console 管理　一子 新しい色に合わせる");
    let trail = "SELECT concat_ws(' ', actor_kind, action, detail->>'revision') AS line FROM audit_events
        WHERE action = 'insurer.revise'";
    assert_eq!(app.insurer.lines(trail).await, ["staff insurer.revise 2"]);
    let page = clerk.get(&format!("{REVISIONS}/2")).await.text;
    assert!(
        page.contains("#1b6e3c") && page.contains("#f39800") && page.contains("新しい色に合わせる"),
        "{page}"
    );
    // Of all else nothing has changed, the logo included.
    assert_eq!(insurer.logo, app.insurer.insurer.logo);
    assert_eq!(insurer.desk, app.insurer.insurer.desk);
}

#[tokio::test]
async fn the_insurers_kana_is_katakana_of_full_width_however_it_was_typed() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let saved = save(&clerk, BRANDING, &[("kana", "みほん ｹﾝﾎﾟ"), ("why", "カナを直す")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(seen(&app).await.kana, "ミホン　ケンポ");
}

#[tokio::test]
async fn each_form_sent_as_it_was_shown_changes_nothing() {
    let app = TestApp::with(
        "32290413",
        |folder| {
            folder.settings.relations = [("01".to_owned(), kernel::Relation::Principal)].into();
            folder.settings.networks = vec![tenancy::SharedNetwork {
                cidr: "192.0.2.0/28".parse().unwrap(),
                factor: 10,
            }];
            folder.settings.desk.closed_dates = vec!["2026-12-29".parse().unwrap()];
        },
        |_| (),
    )
    .await;
    let clerk = administrator(&app).await;
    let topics = [
        "branding",
        "desk",
        "modules",
        "sign-up",
        "log-in",
        "sender",
        "networks",
        "retention",
    ];
    for topic in topics {
        let path = format!("{SETTINGS}/{topic}");
        let saved = save(&clerk, &path, &[]).await;
        assert_eq!(
            (saved.status.as_u16(), saved.location()),
            (303, path.as_str()),
            "{topic}: {}",
            saved.text
        );
    }
    assert_eq!(revisions(&app).await.len(), 1, "nothing was written");
}

#[tokio::test]
async fn every_setting_is_changed_by_its_form() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    for (topic, changed) in [
        (
            "desk",
            vec![
                ("phone", "０３－１２３４－５６７８"),
                ("closed_dates", "令和8年12月30日、2026-12-29"),
                ("email", ""),
                ("from_0", "09:00"),
                ("subject_1", "健診"),
                ("contact_1", "保健事業課"),
            ],
        ),
        ("modules", vec![("survey", "hidden")]),
        (
            "sign-up",
            vec![("employee_number", "1"), ("relations", "01＝本人\r\n02=配偶者")],
        ),
        ("log-in", vec![("minimum_length", "１２"), ("idle_minutes", "15")]),
        ("sender", vec![("sender_name", "健保からのお知らせ")]),
        ("networks", vec![("networks", "192.0.2.0/28 10\r\n2001:db8::/44 2")]),
        ("retention", vec![("after_loss_days", "90")]),
    ] {
        let saved = save(&clerk, &format!("{SETTINGS}/{topic}"), &changed).await;
        assert_eq!(saved.status, 303, "{topic}: {}", saved.text);
    }
    let insurer = seen(&app).await;
    assert_eq!(insurer.desk.phone, "03-1234-5678");
    let closed: Vec<String> = insurer.desk.closed_dates.iter().map(ToString::to_string).collect();
    assert_eq!(closed, ["2026-12-29", "2026-12-30"]);
    assert_eq!(insurer.desk.email, None);
    assert_eq!(insurer.desk.hours[0].from.to_string(), "09:00:00");
    assert_eq!(insurer.desk.other[1].contact, "保健事業課");
    assert_eq!(
        insurer.modules.wished(tenancy::Feature::Survey),
        tenancy::FeatureState::Hidden
    );
    assert!(insurer.sign_up.employee_number);
    assert_eq!(insurer.relations.read("02"), kernel::Relation::Spouse);
    assert_eq!(
        (insurer.password.minimum_length, insurer.session.idle_minutes),
        (12, 15)
    );
    assert_eq!(insurer.sender.name, "健保からのお知らせ");
    assert_eq!(insurer.networks.len(), 2);
    assert_eq!(insurer.after_loss_days, 90);
    let all = clerk.get(SETTINGS).await.text;
    assert!(
        all.contains("健保からのお知らせ") && all.contains("02＝配偶者"),
        "{all}"
    );
}

#[tokio::test]
async fn support_and_those_who_may_look_change_nothing_and_are_offered_nothing() {
    let app = TestApp::start().await;
    for clerk in [app.support().await, app.clerk(&[Role::Viewer]).await] {
        let all = clerk.get(SETTINGS).await;
        assert_eq!(all.status, 200);
        assert!(
            all.text.contains("050-2030-4706") && !all.text.contains("変更する<"),
            "{}",
            all.text
        );
        assert_eq!(clerk.get(REVISIONS).await.status, 200);
        assert_eq!(clerk.get(DESK).await.status, 403);
        let post = clerk
            .post(DESK, &[("revision", "1"), ("phone", "03-1111-1111"), ("why", "x")])
            .await;
        assert_eq!(post.status, 403);
    }
    assert_eq!(revisions(&app).await.len(), 1);
}
