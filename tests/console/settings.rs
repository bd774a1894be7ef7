//! The insurer's settings in the console: saved, refused at their fields, saved by two at once, taken back; and what may not
//! be done there.

use access::Role;
use chrono::TimeDelta;
use reqwest::Method;
use testkit::{Answer, TestApp, TestClerk, sql};

const SETTINGS: &str = "/console/settings";
const BRANDING: &str = "/console/settings/branding";
const DESK: &str = "/console/settings/desk";
const SENDER: &str = "/console/settings/sender";
const REVISIONS: &str = "/console/settings/revisions";

async fn administrator(app: &TestApp) -> TestClerk {
    app.clerk_named("管理　一子", &[Role::Administrator]).await
}

/// What the page's form was shown with.
fn revision(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("name=\"revision\" value=\"").expect("a revision");
    rest.split('"').next().unwrap().to_owned()
}

/// The fields of a form as a browser would send them untouched, but for these.
fn filled(page: &Answer, changed: &[(&str, &str)]) -> Vec<(String, String)> {
    let form = page
        .text
        .split("<form ")
        .find(|form| form.contains("name=\"why\""))
        .expect("a form");
    let form = form.split("</form>").next().unwrap();
    let mut fields = Vec::new();
    for tag in form
        .split('<')
        .filter(|tag| tag.starts_with("input ") || tag.starts_with("textarea "))
    {
        let (Some(name), is_choice) = (
            attribute(tag, "name"),
            tag.contains("type=\"radio\"") || tag.contains("type=\"checkbox\""),
        ) else {
            continue;
        };
        let value = match tag.strip_prefix("textarea ") {
            Some(rest) => plain(rest.split_once('>').unwrap().1.trim_start_matches('\n')),
            None => attribute(tag, "value").unwrap_or_default(),
        };
        let is_sent = !is_choice || tag.contains(" checked");
        if is_sent && !changed.iter().any(|(changed, _)| *changed == name) {
            fields.push((name, value));
        }
    }
    fields.extend(
        changed
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    fields
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(plain(rest.split('"').next()?))
}

fn plain(text: &str) -> String {
    let text = text
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">");
    text.replace("&#38;", "&")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

async fn send(clerk: &TestClerk, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    clerk.post(path, &fields).await
}

/// Saves a form as it stands, but for these fields.
async fn save(clerk: &TestClerk, path: &str, changed: &[(&str, &str)]) -> Answer {
    let page = clerk.get(path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let why = Some(("why", "見直しのため")).filter(|_| !changed.iter().any(|(name, _)| *name == "why"));
    let changed: Vec<(&str, &str)> = why.into_iter().chain(changed.iter().copied()).collect();
    send(clerk, path, &filled(&page, &changed)).await
}

/// The insurer as a node sees it a little later.
async fn seen(app: &TestApp) -> tenancy::Insurer {
    app.later(2);
    let insurer = app.ground.directory.by_tenant(app.tenant()).await.unwrap().unwrap();
    tenancy::Insurer::clone(&insurer)
}

async fn revisions(app: &TestApp) -> Vec<String> {
    let query =
        "SELECT concat_ws(' ', revision, channel, applied_by, why) AS line FROM insurer_revisions ORDER BY revision";
    app.insurer.lines(query).await
}

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
                ("closed_dates", "2026-12-30、2026-12-29"),
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
        ("branding", ("kana", "けんぽ"), "kana"),
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
async fn who_saves_after_another_is_shown_both_and_loses_nothing() {
    let app = TestApp::start().await;
    let (first, second) = (
        administrator(&app).await,
        app.clerk_named("管理　二子", &[Role::Administrator]).await,
    );
    let shown = second.get(DESK).await;
    save(&first, DESK, &[("phone", "03-1111-1111")]).await;
    let typed = filled(&shown, &[("phone", "03-2222-2222"), ("why", "番号の変更")]);
    let refused = send(&second, DESK, &typed).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    // Theirs, what it was, and what was typed.
    for value in ["03-1111-1111", "050-2030-4706", "value=\"03-2222-2222\"", "番号の変更"] {
        assert!(refused.text.contains(value), "{value}: {}", refused.text);
    }
    assert_eq!(seen(&app).await.desk.phone, "03-1111-1111");
    // Having seen it, they may.
    let again = send(&second, DESK, &filled(&refused, &[])).await;
    assert_eq!(again.status, 303, "{}", again.text);
    assert_eq!(seen(&app).await.desk.phone, "03-2222-2222");
    assert_eq!(revisions(&app).await.len(), 3);
}

#[tokio::test]
async fn a_mistake_does_not_make_one_forget_that_another_has_saved() {
    let app = TestApp::start().await;
    let (first, second) = (administrator(&app).await, administrator(&app).await);
    let shown = second.get(DESK).await;
    save(&first, DESK, &[("phone", "03-1111-1111")]).await;
    let refused = send(&second, DESK, &filled(&shown, &[("phone", "1"), ("why", "番号")])).await;
    assert_eq!((refused.status.as_u16(), revision(&refused)), (422, "1".to_owned()));
    let late = send(&second, DESK, &filled(&refused, &[("phone", "03-2222-2222")])).await;
    assert_eq!(late.status, 409);
}

#[tokio::test]
async fn of_two_who_save_at_the_same_time_one_is_told() {
    let app = TestApp::start().await;
    let (first, second) = (administrator(&app).await, administrator(&app).await);
    let (one, other) = tokio::join!(
        save(&first, DESK, &[("phone", "03-1111-1111")]),
        save(&second, DESK, &[("phone", "03-2222-2222")])
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    // One after the other they may both be right: then the later one had seen the former.
    assert!(
        statuses == [303, 409] || revisions(&app).await.len() == 3,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn a_change_is_taken_back_by_a_revision_of_its_own_unless_it_was_changed_since() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    save(&clerk, DESK, &[("phone", "03-1111-1111"), ("desk_name", "新しい窓口")]).await;
    save(&clerk, BRANDING, &[("brand_color", "#f39800")]).await;
    let path = format!("{REVISIONS}/2/take-back");
    let ask = clerk.get(&path).await;
    assert!(
        ask.text.contains("03-1111-1111") && ask.text.contains("050-2030-4706"),
        "{}",
        ask.text
    );
    let back = send(&clerk, &path, &filled(&ask, &[("why", "元の番号に戻す")])).await;
    assert_eq!(
        (back.status.as_u16(), back.location()),
        (303, REVISIONS),
        "{}",
        back.text
    );
    let insurer = seen(&app).await;
    assert_eq!(
        (insurer.desk.phone.as_str(), insurer.desk.name.as_str()),
        ("050-2030-4706", "専用コールセンター")
    );
    assert_eq!(insurer.brand.color.to_string(), "#f39800", "what came after stays");
    assert_eq!(revisions(&app).await[3], "4 console 管理　一子 元の番号に戻す");
    // Twice: it isn't there any more.
    let again = send(&clerk, &path, &filled(&clerk.get(&path).await, &[("why", "もう一度")])).await;
    assert_eq!(again.status, 409, "{}", again.text);
    save(&clerk, BRANDING, &[("brand_color", "#00a0e9")]).await;
    let path = format!("{REVISIONS}/3/take-back");
    let ask = clerk.get(&path).await;
    let late = send(&clerk, &path, &filled(&ask, &[("why", "色を戻す")])).await;
    assert_eq!(late.status, 409);
    for value in ["#1b6e3c", "#f39800", "#00a0e9"] {
        assert!(late.text.contains(value), "{value}: {}", late.text);
    }
    assert_eq!(seen(&app).await.brand.color.to_string(), "#00a0e9");
    // What a folder brought is the operator's to take back.
    let first = clerk
        .post(
            &format!("{REVISIONS}/1/take-back"),
            &[("revision", "5"), ("why", "戻す")],
        )
        .await;
    assert_eq!(first.status, 409);
    assert_eq!(clerk.get(&format!("{REVISIONS}/99")).await.status, 404);
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
async fn a_colour_is_tried_on_the_page_itself_with_how_well_it_is_read() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let page = clerk.get(&format!("{BRANDING}/preview?color=%23f39800")).await;
    let brand = tenancy::Brand::new(tenancy::Color::parse("#f39800").unwrap());
    assert!(page.text.contains(brand.style()), "{}", page.text);
    assert!(page.header("content-security-policy").contains(brand.csp_hash()));
    assert!(
        page.text.contains("読みにくくなります") && page.text.contains("4.5"),
        "{}",
        page.text
    );
    assert!(
        clerk
            .get(&format!("{BRANDING}?color=%23f39800"))
            .await
            .text
            .contains("value=\"#f39800\"")
    );
    assert_eq!(
        clerk.get(&format!("{BRANDING}/preview?color=orange")).await.location(),
        BRANDING
    );
    assert_eq!(revisions(&app).await.len(), 1);
}

async fn bring_logo(clerk: &TestClerk, revision: &str, bytes: &[u8]) -> Answer {
    let mark = clerk.mark(BRANDING).await.unwrap();
    let before = "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"logo.png\"\r\nContent-Type: image/png\r\n\r\n";
    let request = clerk
        .request(Method::POST, &format!("{BRANDING}/logo/{revision}?for={mark}"))
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "multipart/form-data; boundary=xyz")
        .body([before.as_bytes(), bytes, b"\r\n--xyz--\r\n"].concat());
    clerk.send(request).await
}

// security.md 47
#[tokio::test]
async fn a_logo_is_drawn_anew_kept_by_its_content_and_taken_off() {
    let app = TestApp::with(
        "139998",
        |folder| {
            folder.logo = None;
            folder.settings.logo = None;
        },
        |_| (),
    )
    .await;
    let clerk = administrator(&app).await;
    let png = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../tenants/32290413/logo.png")).unwrap();
    for (bytes, words) in [
        (&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], "PNGかWebP"),
        (&png[..60], "読み取れませんでした"),
        (&b""[..], "選んでください"),
        (&vec![0; 1024 * 1024 + 1][..], "1MBまで"),
    ] {
        let refused = bring_logo(&clerk, "1", bytes).await;
        assert_eq!(refused.status, 303);
        let page = clerk.get(refused.location()).await.text;
        assert!(page.contains(words), "{words}: {page}");
        assert!(
            page.contains(&format!("value=\"{}\"", app.insurer.insurer.name)),
            "the other form is as it stands"
        );
    }
    let brought = bring_logo(&clerk, "1", &png).await;
    assert_eq!(
        (brought.status.as_u16(), brought.location()),
        (303, BRANDING),
        "{}",
        brought.text
    );
    let head = seen(&app).await.logo.expect("a logo");
    let portal = format!("/portal/logo/{}/{}", app.insurer.code, head.hash);
    for path in [portal, format!("{BRANDING}/picture/{}", head.hash)] {
        let picture = clerk.get(&path).await;
        assert_eq!(
            (picture.status.as_u16(), picture.header("content-type")),
            (200, "image/png")
        );
    }
    // Who has not seen it is told.
    let late = bring_logo(&clerk, "1", &png[..]).await;
    assert!(late.location().contains("again="), "{}", late.location());
    let removed = clerk
        .post(&format!("{BRANDING}/logo-removal"), &[("revision", "2")])
        .await;
    assert_eq!(
        (removed.status.as_u16(), removed.location()),
        (303, BRANDING),
        "{}",
        removed.text
    );
    assert_eq!(seen(&app).await.logo, None);
    // Taken back, it is there again.
    let path = format!("{REVISIONS}/3/take-back");
    let back = send(
        &clerk,
        &path,
        &filled(&clerk.get(&path).await, &[("why", "やはり使う")]),
    )
    .await;
    assert_eq!(back.status, 303, "{}", back.text);
    assert_eq!(seen(&app).await.logo, Some(head));
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

#[tokio::test]
async fn a_suspension_between_showing_and_saving_is_no_change_of_settings() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let page = clerk.get(DESK).await;
    let (database, now) = (&app.ground.database, app.clock().now());
    tenancy::suspend(database, now, app.tenant(), "test").await.unwrap();
    app.later(2);
    // Nobody of a suspended insurer's is inside.
    let fields = filled(&page, &[("phone", "03-1111-1111"), ("why", "番号")]);
    let shut = send(&clerk, DESK, &fields).await;
    assert!(shut.location().starts_with("/console/login"), "{}", shut.location());
    tenancy::resume(database, now + TimeDelta::seconds(3), app.tenant(), "test")
        .await
        .unwrap();
    app.later(3);
    let clerk = app.in_another_browser(&clerk).await;
    let saved = send(
        &clerk,
        DESK,
        &fields
            .iter()
            .filter(|(name, _)| name != "for")
            .cloned()
            .collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(seen(&app).await.desk.phone, "03-1111-1111");
}

#[tokio::test]
async fn the_history_is_read_page_by_page() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let more = "INSERT INTO insurer_revisions
        SELECT tenant_id, revision + n, settings, content_hash, applied_at, applied_by, note, channel, why
        FROM insurer_revisions, generate_series(1, 60) n";
    sql(app.tenant(), more).await;
    let first = clerk.get(REVISIONS).await.text;
    assert!(
        first.contains("/revisions/61\"") && first.contains("?before=12\"") && !first.contains("/revisions/11\""),
        "{first}"
    );
    let second = clerk.get(&format!("{REVISIONS}?before=12")).await.text;
    assert!(
        second.contains("/revisions/11\"") && second.contains("/revisions/1\"") && !second.contains("before="),
        "{second}"
    );
}
