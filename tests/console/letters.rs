//! 案内状: to whom they go and in which order, as pages and as a file, and that each is kept.

use access::Role;
use testkit::{Answer, TestApp, TestPerson};

const LETTERS: &str = "/console/letters";
const PRINT: &str = "/console/letters/print";
const FILE: &str = "/console/letters/file";

fn named(number: u32, name: &str) -> TestPerson {
    TestPerson {
        name: name.into(),
        ..TestPerson::new(number)
    }
}

async fn id(app: &TestApp, number: u32) -> String {
    let query = format!("SELECT person_id::text AS line FROM persons WHERE number = '{number}'");
    app.insurer.lines(&query).await.remove(0)
}

/// The names on the letters of a page.
fn names(page: &Answer) -> Vec<String> {
    let ends = page.text.split(" 様</p>").collect::<Vec<_>>();
    let name = |part: &&str| part.rsplit("<p>").next().unwrap().to_owned();
    ends[..ends.len() - 1].iter().map(name).collect()
}

#[tokio::test]
async fn letters_go_to_the_insured_who_are_not_registered_in_the_order_of_workplaces() {
    let app = TestApp::start().await;
    let child = TestPerson {
        branch: "01".into(),
        relationship: "子".into(),
        ..named(101, "健保　子")
    };
    let gone = TestPerson {
        lost_on: "2020-04-01".into(),
        ..named(104, "健保　退職")
    };
    let elsewhere = TestPerson {
        symbol: "050".into(),
        ..named(900, "他社　花子")
    };
    let people = [
        named(101, "髙橋　一"),
        named(102, "﨑山　二"),
        named(103, "𠮷野　三"),
        child,
        gone,
        elsewhere,
    ];
    app.insurer.import(&people).await;
    app.sign_up_as(&people[1]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let list = clerk.get(LETTERS).await;
    assert_eq!(list.status, 200);
    assert!(!list.text.contains("﨑山") && !list.text.contains("健保　子") && !list.text.contains("退職"));
    let printed = clerk
        .post(PRINT, &[("code", ""), ("symbol", ""), ("registered", "no")])
        .await;
    assert_eq!(printed.status, 200, "{}", printed.text);
    assert_eq!(names(&printed), ["髙橋 一", "𠮷野 三", "他社 花子"]);
    // What it says, and what it doesn't.
    let code = app.insurer.code.as_str();
    for said in [
        code,
        &format!("/portal/signup?insurer={code}"),
        "お問い合わせ先",
        "qr-first",
        "101",
    ] {
        assert!(printed.text.contains(said), "{said}");
    }
    assert!(
        !printed.text.contains("1985年") && !printed.text.contains("昭和60年"),
        "a birth date"
    );
    assert_eq!(app.insurer.count("letters", "kind = 'print'").await, 3);
    assert!(clerk.get(LETTERS).await.text.contains("2026"), "when the last one was");
    // One workplace, registered ones, and chosen ones.
    let led = clerk.post(LETTERS, &[("symbol", "100"), ("registered", "yes")]).await;
    assert_eq!(led.location(), "/console/letters?code=&symbol=100&registered=yes");
    let list = clerk.get(led.location()).await;
    assert!(
        list.text.contains("﨑山") && !list.text.contains("他社"),
        "{}",
        list.text
    );
    let chosen = [("person", id(&app, 103).await), ("person", id(&app, 900).await)];
    let chosen: Vec<(&str, &str)> = chosen.iter().map(|(name, id)| (*name, id.as_str())).collect();
    assert_eq!(names(&clerk.post(PRINT, &chosen).await), ["𠮷野 三", "他社 花子"]);
    // Nobody: nothing is printed and nothing kept.
    let nobody = clerk.post(PRINT, &[("person", &id(&app, 104).await)]).await;
    assert_eq!((nobody.status.as_u16(), nobody.location()), (303, LETTERS));
    assert_eq!(app.insurer.count("letters", "true").await, 5);
    let looks = "action = 'people.look' AND detail->>'what' = 'letters.print'";
    assert_eq!(app.insurer.count("audit_events", looks).await, 2);
}

#[tokio::test]
async fn a_protected_persons_letter_is_in_no_bulk_and_goes_out_alone() {
    let app = TestApp::start().await;
    app.insurer
        .import(&[named(101, "健保　一"), named(102, "健保　二")])
        .await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let (one, two) = (id(&app, 101).await, id(&app, 102).await);
    let fields = [("subject", one.as_str()), ("person", &one), ("reason", "支援措置")];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    let all = clerk.post(PRINT, &[("registered", "either")]).await;
    assert_eq!(names(&all), ["健保 二"]);
    let both = clerk.post(PRINT, &[("person", &one), ("person", &two)]).await;
    assert_eq!(names(&both), ["健保 二"]);
    let file = clerk
        .post(FILE, &[("registered", "either"), ("encoding", "utf-8")])
        .await;
    assert!(!file.text.contains("健保　一") && file.text.contains("健保　二"));
    assert!(!clerk.get(LETTERS).await.text.contains("健保　一"));
    assert_eq!(names(&clerk.post(PRINT, &[("person", &one)]).await), ["健保 一"]);
}

// security.md 52
#[tokio::test]
async fn the_mailing_houses_file_is_escaped_recorded_and_asks_for_a_proof() {
    let app = TestApp::start().await;
    let people = [named(101, "@SUM(A1)"), named(102, "𠮷野　二")];
    app.insurer.import(&people).await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    assert_eq!(clerk.get("/console/letters/file?symbol=100").await.status, 200);
    // A code that can be nobody's is not looked for.
    let nobodys = clerk.post(FILE, &[("code", "W\u{0}1"), ("encoding", "utf-8")]).await;
    assert_eq!(nobodys.status, 404);
    let file = clerk.post(FILE, &[("registered", "no"), ("encoding", "utf-8")]).await;
    assert_eq!(file.status, 200);
    assert!(file.header("content-type").starts_with("text/csv"));
    assert!(file.header("content-disposition").starts_with("attachment"));
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 3, "{}", file.text);
    assert!(lines[1].contains("\"'@SUM(A1)\""), "{}", lines[1]);
    let windows = clerk.post(FILE, &[("encoding", "cp932")]).await;
    assert!(windows.text.contains("U+20BB7"), "{}", windows.text);
    assert_eq!(app.insurer.count("letters", "kind = 'file'").await, 4);
    assert_eq!(app.insurer.count("audit_events", "action = 'letters.export'").await, 2);
    app.later(601);
    let late = clerk.post(FILE, &[("encoding", "utf-8")]).await;
    assert!(late.location().starts_with("/console/prove"), "{}", late.location());
    assert_eq!(app.clerk(&[Role::CallCentre]).await.get(LETTERS).await.status, 403);
}

#[tokio::test]
async fn letters_come_in_batches_and_each_once() {
    let app = TestApp::start().await;
    let people: Vec<TestPerson> = (1..=520).map(TestPerson::new).collect();
    app.insurer.import(&people).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let first = clerk.post(PRINT, &[("registered", "no")]).await;
    assert_eq!(names(&first).len(), 500);
    let after = first.text.split("name=\"after\" value=\"").nth(1).unwrap();
    let after = after.split('"').next().unwrap();
    let second = clerk.post(PRINT, &[("registered", "no"), ("after", after)]).await;
    assert_eq!(names(&second).len(), 20);
    assert!(!second.text.contains("次の案内状"));
    let each = app
        .insurer
        .lines("SELECT count(DISTINCT person_id)::text AS line FROM letters")
        .await;
    assert_eq!(each, ["520"]);
    let file = clerk.post(FILE, &[("registered", "no"), ("encoding", "utf-8")]).await;
    assert_eq!(file.text.lines().count(), 521);
    // Forgotten in two years.
    app.later(3 * 366 * 24 * 3600);
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), app.clock().now())
        .await
        .unwrap();
    assert_eq!(app.insurer.count("letters", "true").await, 0);
}
