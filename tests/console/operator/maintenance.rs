//! Planned interruptions, and who is told of them when.

use super::{alone, platform_trail};
use access::Role;
use chrono::TimeDelta;
use testkit::TestApp;

/// From and to, in Japan, so many minutes from the test's beginning.
fn window(app: &TestApp, from: i64, to: i64) -> [(&'static str, String); 2] {
    let at = |minutes| {
        let at = kernel::calendar::in_japan(app.clock().now() + TimeDelta::minutes(minutes));
        at.format("%Y-%m-%dT%H:%M").to_string()
    };
    [("from", at(from)), ("to", at(to))]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_interruption_is_told_to_members_and_staff_before_and_during_it() {
    let (_installation, app, operator) = alone().await;
    let (visitor, (member, _), clerk) = (app.client(), app.member().await, app.clerk(&[Role::Viewer]).await);
    let path = "/operator/maintenance";
    let day = 24 * 60;
    for wrong in [
        [("from", String::new()), ("to", String::new())],
        [("from", "あした".to_owned()), ("to", "2026-13-01 00:00".to_owned())],
        [
            ("from", "99999-01-01 00:00".to_owned()),
            ("to", "-1-01-01 00:00".to_owned()),
        ],
        window(&app, 60, 60),
        window(&app, 60, 30),
        window(&app, -120, -60),
        window(&app, 60, 60 + 32 * day),
    ] {
        let fields = wrong.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(operator.post(path, &fields).await.status, 422, "{wrong:?}");
    }
    let eras = operator
        .post(path, &[("from", "令和元年5月1日 9:00"), ("to", "R1.5.1 21時")])
        .await;
    assert!(eras.text.contains("value=\"令和元年5月1日 9:00\"") && eras.text.contains("value=\"R1.5.1 21時\""));
    assert!(
        !eras.text.contains("開始の日時を") && eras.text.contains("終了は、開始より後で"),
        "{}",
        eras.text
    );
    let soon = window(&app, 8 * day, 8 * day + 120);
    let fields = [
        (soon[0].0, soon[0].1.as_str()),
        (soon[1].0, soon[1].1.as_str()),
        ("text", "<b>申請</b>は翌日に受け付けます。"),
    ];
    let planned = operator.post(path, &fields).await;
    assert_eq!(
        (planned.status.as_u16(), planned.location()),
        (303, path),
        "{}",
        planned.text
    );
    let told = async |client: &testkit::Client, path: &str| {
        let page = client.get(path).await;
        (
            page.text.contains("メンテナンスを行います"),
            page.text.contains("メンテナンスを行っています"),
        )
    };
    // Eight days before nobody is told; from seven on everybody is, wherever they are.
    app.later(11);
    assert_eq!(told(&visitor, "/portal/").await, (false, false));
    app.later(86_400 + 60);
    let (clerk, operator) = (
        app.in_another_browser(&clerk).await,
        app.in_another_browser(&operator).await,
    );
    assert_eq!(told(&visitor, "/portal/").await, (true, false));
    assert_eq!(told(&visitor, "/portal/nowhere").await, (true, false));
    assert_eq!(told(&visitor, "/console/login").await, (true, false));
    assert_eq!(told(&clerk, "/console/").await, (true, false));
    assert_eq!(told(&operator, "/operator/").await, (true, false));
    let page = visitor.get("/portal/").await;
    assert!(
        page.text.contains("申請") && !page.text.contains("<b>申請"),
        "{}",
        page.text
    );
    let _ = member;
    app.later(7 * 86_400);
    assert_eq!(told(&visitor, "/portal/").await, (false, true));
    app.later(2 * 3600);
    assert_eq!(told(&visitor, "/portal/").await, (false, false));
    // Taken back, by who may, once.
    let operator = app.in_another_browser(&operator).await;
    let ahead = window(&app, 60, 120);
    let fields = ahead.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(operator.post(path, &fields).await.status, 303);
    app.later(11);
    assert_eq!(told(&visitor, "/portal/").await, (true, false));
    let list = operator.get(path).await;
    let cancel = |text: &str| {
        let (_, rest) = text.split_once("action=\"/operator/maintenance/").unwrap();
        format!("/operator/maintenance/{}", rest.split('"').next().unwrap())
    };
    let cancel = cancel(&list.text);
    assert_eq!(operator.press(&cancel).await.status, 303);
    assert_eq!(operator.press(&cancel).await.status, 404);
    app.later(11);
    assert_eq!(told(&visitor, "/portal/").await, (false, false));
    let id = operator.staff_id.0;
    let line = |verb| format!("maintenance.{verb} staff {id}");
    assert_eq!(
        platform_trail(&app, "maintenance.%").await,
        [line("plan"), line("plan"), line("cancel")]
    );
}
