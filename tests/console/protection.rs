//! 保護: how it is set and lifted, and that nobody else learns anything of a protected person: no page, mail, answer or count
//! of the other side differs from those of a family without them.

mod unseen;

use access::Role;
use roster::{Protected, Sight};
use testkit::{Answer, TestApp, TestClerk, TestPerson};

const PROTECTIONS: &str = "/console/protections";
const NEW: &str = "/console/protections/new";

/// The insured one, the spouse and two children under one number.
fn family() -> [TestPerson; 4] {
    let one = |branch: &str, name: &str, kana: &str, relationship: &str| TestPerson {
        branch: branch.into(),
        name: name.into(),
        kana_name: kana.into(),
        relationship: relationship.into(),
        ..TestPerson::new(105)
    };
    [
        one("00", "健保　太郎", "ケンポ　タロウ", "本人"),
        one("01", "健保　祥子", "ケンポ　ショウコ", "妻"),
        one("02", "健保　一郎", "ケンポ　イチロウ", "長男"),
        one("03", "健保　母", "ケンポ　ハハ", "母"),
    ]
}

/// In a 国保組合, where everybody signs up for themself.
async fn app() -> TestApp {
    TestApp::with("139998", |_| (), |_| ()).await
}

async fn person(app: &TestApp, kana: &str) -> String {
    let query = format!("SELECT person_id::text AS line FROM persons WHERE kana_strict = '{kana}'");
    app.insurer.lines(&query).await.remove(0)
}

/// Protects these people of a household, the first of whom it is about.
async fn protect(clerk: &TestClerk, people: &[&str], guardian: &str) -> Answer {
    let mut fields = vec![
        ("subject", people[0]),
        ("guardian", guardian),
        ("reason", "支援措置の申し出"),
    ];
    fields.extend(people.iter().map(|person| ("person", *person)));
    clerk.post(PROTECTIONS, &fields).await
}

async fn trail(app: &TestApp, action: &str) -> usize {
    app.insurer.count("audit_events", &format!("action = '{action}'")).await
}

#[tokio::test]
async fn several_people_are_protected_at_once_with_the_children_living_with_them_ticked_first() {
    let app = app().await;
    app.insurer.import(&family()).await;
    let (mother, father, child) = (
        person(&app, "ケンポショウコ").await,
        person(&app, "ケンポタロウ").await,
        person(&app, "ケンポイチロウ").await,
    );
    let clerk = app.clerk_named("資格　花子", &[Role::Eligibility]).await;
    let found = clerk
        .post("/console/protections/find", &[("symbol", "100"), ("number", "105")])
        .await;
    assert_eq!(found.status, 200, "{}", found.text);
    assert!(found.text.contains(&format!("{NEW}?person={mother}")), "{}", found.text);
    let path = format!("{NEW}?person={mother}");
    let form = clerk.get(&path).await;
    let ticked = |page: &Answer, id: &str| page.text.contains(&format!("name=\"person\" value=\"{id}\" checked"));
    assert!(ticked(&form, &mother) && ticked(&form, &child), "{}", form.text);
    assert!(!ticked(&form, &father), "{}", form.text);
    // A child at another address is not.
    let moved = format!("UPDATE persons SET address = CASE person_id WHEN '{child}' THEN '大阪' ELSE '奈良' END");
    testkit::sql(app.tenant(), &moved).await;
    assert!(!ticked(&clerk.get(&path).await, &child));
    // Nobody, and no reason.
    let refused = clerk.post(NEW, &[("subject", &mother)]).await;
    assert_eq!(refused.status, 422);
    for said in ["保護する方を選んでください", "理由を入力してください"] {
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    // What will be done is said first; nothing is done yet.
    let fields = [
        ("subject", mother.as_str()),
        ("person", &mother),
        ("person", &child),
        ("guardian", &mother),
        ("reason", "支援措置の申し出"),
    ];
    let confirm = clerk.post(NEW, &fields).await;
    assert_eq!(confirm.status, 200, "{}", confirm.text);
    for said in ["こう見えます", "2人を保護する", "アカウントは、ありません"] {
        assert!(confirm.text.contains(said), "{said}: {}", confirm.text);
    }
    assert_eq!(app.insurer.count("protections", "true").await, 0);
    let done = protect(&clerk, &[&mother, &child], &mother).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, PROTECTIONS));
    let list = clerk.get(PROTECTIONS).await;
    for said in [
        "健保　祥子",
        "健保　一郎",
        "支援措置の申し出",
        "資格　花子",
        "2人を保護しました",
    ] {
        assert!(list.text.contains(said), "{said}: {}", list.text);
    }
    assert_eq!(trail(&app, "protection.set").await, 2);
    // The child's guardian is the mother; she is nobody's ward. Reasons are sealed.
    let guarded = format!("guardian_id = '{mother}' AND person_id = '{child}'");
    assert_eq!(app.insurer.count("protections", &guarded).await, 1);
    assert_eq!(app.insurer.count("protections", "guardian_id IS NULL").await, 1);
    let sealed = "position(convert_to('支援', 'UTF8') in reason) = 0";
    assert_eq!(app.insurer.count("protections", sealed).await, 2);
    let looked = format!("subject_id = '{mother}'");
    assert!(app.insurer.count("audit_subjects", &looked).await >= 5);
    // A second time it is refused, and at the same time it is one.
    assert_eq!(protect(&clerk, &[&mother], "").await.status, 422);
    let fathers = [father.as_str()];
    let both = [protect(&clerk, &fathers, ""), protect(&clerk, &fathers, "")];
    futures_util::future::join_all(both).await;
    let his = format!("person_id = '{father}'");
    assert_eq!(app.insurer.count("protections", &his).await, 1);
}

#[tokio::test]
async fn a_guardian_from_elsewhere_is_named_by_number_and_one_whom_nobody_has_is_refused() {
    let app = app().await;
    let mut people = family().to_vec();
    people.push(TestPerson {
        name: "奈良　伯母".into(),
        kana_name: "ナラ　オバ".into(),
        ..TestPerson::new(200)
    });
    app.insurer.import(&people).await;
    let mother = person(&app, "ケンポショウコ").await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let with = async |number: &str| {
        let fields = [
            ("subject", mother.as_str()),
            ("person", &mother),
            ("guardian", "other"),
            ("guardian_symbol", "100"),
            ("guardian_number", number),
            ("reason", "支援措置"),
        ];
        clerk.post(NEW, &fields).await
    };
    let refused = with("999").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("1人に決められません"), "{}", refused.text);
    assert_eq!(with("105").await.status, 422, "a household is several");
    assert!(with("200").await.text.contains("奈良 伯母"));
}

#[tokio::test]
async fn lifting_asks_for_a_proof_and_a_reason_and_is_recorded() {
    let app = app().await;
    app.insurer.import(&family()).await;
    let mother = person(&app, "ケンポショウコ").await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    protect(&clerk, &[&mother], "").await;
    let list = clerk.get(PROTECTIONS).await;
    let path = list.text.split(&format!("href=\"{PROTECTIONS}/")).nth(1).unwrap();
    let path = format!("{PROTECTIONS}/{}", path.split('"').next().unwrap());
    assert!(clerk.get(&path).await.text.contains("健保　祥子"));
    let refused = clerk.post(&path, &[("reason", " ")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("解除"), "{}", refused.text);
    app.later(601);
    let late = clerk.post(&path, &[("reason", "本人の申し出")]).await;
    assert!(late.location().starts_with("/console/prove"), "{}", late.location());
    assert_eq!(app.insurer.count("protections", "lifted_at IS NULL").await, 1);
    let clerk = app.in_another_browser(&clerk).await;
    let done = clerk.post(&path, &[("reason", "本人の申し出")]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, PROTECTIONS));
    assert_eq!(clerk.post(&path, &[("reason", "本人の申し出")]).await.status, 404);
    assert_eq!(
        app.insurer
            .count("protections", "lifted_at IS NOT NULL AND lifted_reason IS NOT NULL")
            .await,
        1
    );
    assert_eq!(trail(&app, "protection.lift").await, 1);
    // Protected once more, it is another protection.
    assert_eq!(protect(&clerk, &[&mother], "").await.status, 303);
    assert_eq!(app.insurer.count("protections", "true").await, 2);
}

#[tokio::test]
async fn confirming_tells_of_the_account_that_somebody_may_have_made() {
    let app = app().await;
    let family = family();
    app.insurer.import(&family).await;
    let who = app.sign_up_as(&family[1]).await;
    app.inside(&who).await;
    let mother = person(&app, "ケンポショウコ").await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let fields = [
        ("subject", mother.as_str()),
        ("person", &mother),
        ("reason", "支援措置"),
    ];
    let page = clerk.post(NEW, &fields).await;
    for said in ["登録した日時", "最後のログイン", "ログイン中の機器", "10."] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains(&who.email), "in clear");
    // They themself go on as before.
    protect(&clerk, &[&mother], "").await;
    assert_eq!(app.inside(&who).await.get("/portal/mypage").await.status, 200);
}

// security.md 2
#[tokio::test]
async fn what_others_know_of_a_protected_person_opens_no_account_and_tells_nothing() {
    let app = TestApp::with("139998", |_| (), |config| config.database.connections = 1).await;
    let family = family();
    app.insurer.import(&family).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let mother = person(&app, "ケンポショウコ").await;
    // A sign-up that had begun before leads to no account.
    let begun = app.client();
    assert_eq!(
        begun
            .send_form("/portal/signup", &app.identity(&family[1]))
            .await
            .status,
        303
    );
    let email = format!("{}@example.jp", testkit::unique("late"));
    let user_id = testkit::unique("late");
    let account = [
        ("user_id", user_id.as_str()),
        ("password", testkit::PASSWORD),
        ("email", &email),
    ];
    let sent = begun.post("/portal/signup/account", &account).await;
    assert_eq!(sent.location(), "/portal/signup/code", "{}", sent.text);
    let code = app.code_for(&email).await;
    protect(&clerk, &[&mother], "").await;
    begun.post("/portal/signup/code", &[("code", &code)]).await;
    assert_eq!(app.insurer.count("accounts", "true").await, 0);
    // As for somebody whom the roster has not, at the same cost.
    let nobody = TestPerson {
        kana_name: "ケンポ　ダレカ".into(),
        ..family[1].clone()
    };
    let mut answers = Vec::new();
    for person in [&nobody, &family[1]] {
        testkit::sql(app.tenant(), "DELETE FROM throttles").await;
        let (client, fields) = (app.client(), app.identity(person));
        app.warm().await;
        let (answer, cost) = app.cost_of(&client, "/portal/signup", &fields).await;
        assert_eq!(answer.status, 422);
        assert!(client.cookie("__Host-ticket").is_none());
        app.work().await;
        let text = answer.normalized();
        answers.push((text.replace("ケンポ　ダレカ", "").replace("ケンポ　ショウコ", ""), cost));
    }
    assert_eq!(answers[0], answers[1]);
}

// security.md 2
#[tokio::test]
async fn a_protected_persons_user_id_is_mailed_to_nobody_by_what_others_know_of_them() {
    let app = app().await;
    let family = family();
    app.insurer.import(&family).await;
    let who = app.sign_up_as(&family[1]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    protect(&clerk, &[&person(&app, "ケンポショウコ").await], "").await;
    let before = app.mailbox.mails_to(&who.email).len();
    let asked = app
        .client()
        .send_form("/portal/user-id", &app.identity(&family[1]))
        .await;
    assert_eq!(asked.location(), "/portal/user-id?sent=1");
    assert_eq!(
        app.client()
            .send_form("/portal/signup", &app.identity(&family[1]))
            .await
            .status,
        422
    );
    app.work().await;
    assert_eq!(app.mailbox.mails_to(&who.email).len(), before);
}

#[tokio::test]
async fn the_protected_are_listed_in_the_order_of_the_names_that_they_have_now() {
    const LETTERS: [&str; 8] = ["ア", "カ", "サ", "タ", "ナ", "ハ", "マ", "ヤ"];
    let given = |nth: usize| format!("ロ{}{}", LETTERS[nth / 8], LETTERS[nth % 8]);
    let app = app().await;
    let mut people: Vec<TestPerson> = (0..60_u32).map(|number| TestPerson::new(1000 + number)).collect();
    let name = |people: &mut [TestPerson], of: &dyn Fn(usize) -> usize| {
        for (nth, person) in people.iter_mut().enumerate() {
            person.kana_name = format!("ケンポ　{}", given(of(nth)));
        }
    };
    name(&mut people, &|nth| 59 - nth);
    app.insurer.import(&people).await;
    // As a node of an earlier release protects.
    let all = "INSERT INTO protections (tenant_id, protection_id, person_id, reason, set_by, set_at)
        SELECT tenant_id, person_id, person_id, '', person_id, now() FROM persons";
    testkit::sql(app.tenant(), all).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let listed = async || {
        let first = clerk.get("/console/members?list=1&protected=yes").await;
        let next = first.text.split("<p class=\"more\"><a href=\"").nth(1).unwrap();
        let next = clerk.get(&next.split('"').next().unwrap().replace("&#38;", "&")).await;
        let text = first.text + next.text.as_str();
        let mut found: Vec<(usize, usize)> = (0..60).filter_map(|nth| Some((text.find(&given(nth))?, nth))).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, nth)| nth).collect::<Vec<usize>>()
    };
    let mut all = listed().await;
    all.sort_unstable();
    assert!(all.iter().copied().eq(0..60), "nobody is missing: {all:?}");
    // Each name is another's from now on.
    name(&mut people, &|nth| (nth + 30) % 60);
    app.insurer.import(&people).await;
    assert!(listed().await.into_iter().eq(0..60), "as they are called now");
}

// security.md 43
#[tokio::test]
async fn protection_turns_mails_about_notices_off_and_only_whoever_is_inside_turns_them_on() {
    let app = app().await;
    let family = family();
    app.insurer.import(&family[..2]).await;
    let hers = app.sign_up_as(&family[1]).await;
    let inside = app.inside(&hers).await;
    let wishes = "/portal/account/mails";
    assert_eq!(inside.get(wishes).await.text.matches(" checked").count(), 3);
    let clerk = app.clerk(&[Role::Eligibility]).await;
    protect(&clerk, &[&person(&app, "ケンポショウコ").await], "").await;
    assert_eq!(inside.get(wishes).await.text.matches(" checked").count(), 0);
    assert_eq!(inside.post(wishes, &[("wished", "person")]).await.status, 303);
    assert_eq!(inside.get(wishes).await.text.matches(" checked").count(), 1);
}

#[tokio::test]
async fn the_journal_that_programs_read_tells_nothing_of_a_protected_person() {
    let app = app().await;
    app.insurer.import(&family()).await;
    let mother = person(&app, "ケンポショウコ").await;
    let told = async || {
        let tx = app.write(app.tenant()).await;
        let sight = Sight {
            protected: Protected::Hidden,
            ..Sight::ALL
        };
        let changes = roster::changes::after(&tx, &sight, 0, 100).await.unwrap();
        changes
            .iter()
            .filter(|change| change.person_id.to_string() == mother)
            .count()
    };
    assert_eq!(told().await, 1);
    let clerk = app.clerk(&[Role::Eligibility]).await;
    protect(&clerk, &[&mother], "").await;
    assert_eq!(told().await, 0);
}
