//! 監査記録: the trail's pages, whom they show what, and the trail as a file.

use access::Role;
use testkit::{TestApp, TestClerk, TestPerson};

const AUDIT: &str = "/console/audit";
const FILE: &str = "/console/audit/file";

async fn id(app: &TestApp, number: u32) -> String {
    let query = format!("SELECT person_id::text AS line FROM persons WHERE number = '{number}'");
    app.insurer.lines(&query).await.remove(0)
}

async fn page(clerk: &TestClerk, query: &str) -> String {
    let page = clerk.get(&format!("{AUDIT}{query}")).await;
    assert_eq!(page.status, 200, "{query}: {}", page.text);
    page.text
}

/// The lines alone: the forms above name every action.
fn table(page: &str) -> &str {
    page.split_once("<table").map_or("", |(_, table)| table)
}

/// A name as pages say it.
fn called(person: &TestPerson) -> String {
    person.name.replace('\u{3000}', " ")
}

/// How many lines a page lists.
fn rows(page: &str) -> usize {
    page.matches("<tr><td class=\"day\" data-l=\"日時\">").count()
}

#[tokio::test]
async fn a_day_that_no_calendar_has_narrows_nothing() {
    let app = TestApp::start().await;
    let auditor = app.clerk(&[Role::Auditor]).await;
    let all = rows(&page(&auditor, "").await);
    assert!(all > 0);
    for day in ["-262143-01-01", "%2B262142-12-31", "0000-00-00", "%00", "yesterday"] {
        let told = page(&auditor, &format!("?from={day}&until={day}")).await;
        // Whoever reads the trail stands in it.
        assert!(rows(&told) > all, "{day}");
        // Of what is dropped from an address nothing is to be told.
        assert_eq!(told.contains("「この日から」は、"), day != "%00", "{day}");
    }
    let told = page(&auditor, "?from=yesterday").await;
    assert!(
        told.contains("value=\"yesterday\"") && !told.contains("「この日まで」は、"),
        "{told}"
    );
    // Either calendar, from the day after the test's on.
    for day in ["2027-03-01", "R9.3.1"] {
        assert_eq!(rows(&page(&auditor, &format!("?from={day}")).await), 0, "{day}");
    }
}

#[tokio::test]
async fn the_trail_is_narrowed_by_person_staff_action_and_time_and_read_page_by_page() {
    let app = TestApp::start().await;
    let person = TestPerson::new(101);
    app.insurer.import(&[person.clone(), TestPerson::new(102)]).await;
    app.inside(&app.sign_up_as(&person).await).await;
    let looker = app.clerk_named("見田　見子", &[Role::Viewer]).await;
    let (one, two) = (id(&app, 101).await, id(&app, 102).await);
    for person in [&one, &two] {
        assert_eq!(looker.get(&format!("/console/members/{person}")).await.status, 200);
    }
    let auditor = app.clerk(&[Role::Auditor]).await;
    let looks = page(&auditor, "?action=person.look").await;
    assert_eq!(rows(&looks), 2);
    assert!(looks.contains("見田　見子"));

    // Who saw this person, and all that is about them: their own log-ins, too.
    let seen = page(&auditor, &format!("?person={one}&looks=1")).await;
    assert!(
        table(&seen).contains("加入者の画面の閲覧") && !table(&seen).contains("登録："),
        "{seen}"
    );
    // Of a list it is told which.
    assert_eq!(looker.get("/console/members?list=1").await.status, 200);
    let seen = page(&auditor, &format!("?person={one}&looks=1&action=people.look")).await;
    assert!(table(&seen).contains("<td data-l=\"対象\">加入者の一覧</td>"), "{seen}");
    let link = table(&seen).split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    let line = auditor.get(link).await.text;
    let said = |page: &str| line.contains(&format!("<dt>見た画面</dt><dd>{page}</dd>"));
    assert!(said("加入者の一覧") || said("監査記録"), "{line}");
    let all = page(&auditor, &format!("?person={one}")).await;
    for words in ["加入者の画面の閲覧", "ログイン"] {
        assert!(table(&all).contains(words), "{words}: {all}");
    }
    assert!(all.contains(&called(&person)), "{all}");
    assert!(rows(&all) > rows(&seen));
    let combined = page(&auditor, &format!("?person={one}&action=person.look")).await;
    assert_eq!(rows(&combined), 1);

    // By staff: whoever looked, and nobody else.
    let staff = app
        .insurer
        .lines("SELECT staff_id::text AS line FROM staff WHERE name = '見田　見子'")
        .await
        .remove(0);
    let theirs = page(&auditor, &format!("?staff={staff}&action=person.look")).await;
    assert_eq!(rows(&theirs), 2);
    assert_eq!(
        rows(&page(&auditor, &format!("?staff={staff}&action=staff.roles")).await),
        0
    );

    // The frozen day, and the days beside it.
    assert_eq!(
        rows(&page(&auditor, "?action=person.look&from=2026-11-22&until=2026-11-22").await),
        2
    );
    assert_eq!(rows(&page(&auditor, "?action=person.look&until=2026-11-21").await), 0);
    assert_eq!(rows(&page(&auditor, "?action=person.look&from=2026-11-23").await), 0);

    // Whoever reads it stands in it.
    let reading = app
        .insurer
        .count("audit_events", "action = 'people.look' AND detail->>'what' = 'audit'")
        .await;
    assert!(reading >= 8, "{reading}");
    let own = app
        .insurer
        .count("audit_subjects", &format!("subject_id = '{one}'"))
        .await;
    assert!(own >= 4, "who asks who saw somebody has seen them: {own}");

    // Pages of fifty go through all, each line once.
    let many = format!(
        "INSERT INTO audit_events SELECT {}, md5('many' || n)::uuid, now(), 'system', NULL, 'alarm.raise', 'done', NULL, NULL,
             'worker', NULL, NULL, '{{}}' FROM generate_series(1, 120) n",
        app.tenant()
    );
    testkit::sql(app.tenant(), &many).await;
    let (mut query, mut sizes, mut links) = (
        "?action=alarm.raise".to_owned(),
        vec![],
        std::collections::BTreeSet::new(),
    );
    loop {
        let text = page(&auditor, &query).await;
        sizes.push(rows(&text));
        links.extend(
            text.split("href=\"/console/audit/lines/")
                .skip(1)
                .map(|link| link[..36].to_owned()),
        );
        let Some(more) = text.split("<p class=\"more\"><a href=\"").nth(1) else {
            break;
        };
        query = more.split('"').next().unwrap().replace("&#38;", "&").replace(AUDIT, "");
    }
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(links.len(), 120);
}

#[tokio::test]
async fn an_auditor_finds_a_person_by_the_exact_number_alone() {
    let app = TestApp::start().await;
    app.insurer.import(&[TestPerson::new(101), TestPerson::new(1011)]).await;
    let auditor = app.clerk(&[Role::Auditor]).await;
    assert_eq!(auditor.get("/console/members").await.status, 403);
    let person = TestPerson::new(101);
    let found = auditor
        .post(AUDIT, &[("symbol", &person.symbol), ("number", "101")])
        .await;
    assert_eq!(found.status, 200);
    assert!(found.text.contains(&format!("{AUDIT}?person={}", id(&app, 101).await)));
    assert!(!found.text.contains(&id(&app, 1011).await));
    for (symbol, number) in [
        (person.symbol.as_str(), "10"),
        ("", "101"),
        (person.symbol.as_str(), ""),
        ("999", "101"),
    ] {
        let none = auditor.post(AUDIT, &[("symbol", symbol), ("number", number)]).await;
        assert_eq!(none.text.matches("id=\"errs\"").count(), 1, "{}", none.text);
        assert_eq!(none.status, 422, "{symbol} {number}");
        assert!(!none.text.contains("健保"));
    }
    for unknown in ["00000000-0000-7000-8000-000000000001", "x"] {
        assert_eq!(auditor.get(&format!("{AUDIT}?person={unknown}")).await.status, 404);
    }
    // Another insurer's person is nobody here.
    let other = TestApp::start().await;
    other.insurer.import(&[TestPerson::new(101)]).await;
    let theirs = id(&other, 101).await;
    assert_eq!(auditor.get(&format!("{AUDIT}?person={theirs}")).await.status, 404);
    let line = other
        .insurer
        .lines("SELECT audit_id::text AS line FROM audit_events LIMIT 1")
        .await
        .remove(0);
    assert_eq!(auditor.get(&format!("{AUDIT}/lines/{line}")).await.status, 404);
}

#[tokio::test]
async fn of_a_protected_person_an_auditor_is_told_the_name_and_who_helps_on() {
    let app = TestApp::start().await;
    let person = TestPerson::new(101);
    app.insurer.import(std::slice::from_ref(&person)).await;
    app.sign_up_as(&person).await;
    let one = id(&app, 101).await;
    let desk = app.clerk(&[Role::Eligibility]).await;
    let fields = [
        ("subject", one.as_str()),
        ("person", one.as_str()),
        ("reason", "支援措置"),
    ];
    assert_eq!(desk.post("/console/protections", &fields).await.status, 303);
    let auditor = app.clerk(&[Role::Auditor]).await;
    let veiled = page(&auditor, &format!("?person={one}")).await;
    assert!(veiled.contains(&called(&person)) && veiled.contains("資格担当"));
    assert!(!veiled.contains("<table") && !veiled.contains("ログイン</a>"));
    let found = auditor
        .post(AUDIT, &[("symbol", &person.symbol), ("number", "101")])
        .await;
    assert!(found.text.contains("資格担当") && !found.text.contains(&one));
    let file = auditor
        .post(FILE, &[("person", one.as_str()), ("encoding", "utf-8")])
        .await;
    assert!(!file.header("content-type").contains("csv"), "{}", file.text);
    // Nor do the lines themselves tell whose they are, by the number that leads to the name.
    let line = "00000000-0000-7000-8000-0000000000aa";
    testkit::sql(
        app.tenant(),
        &format!(
            "INSERT INTO audit_events SELECT {}, '{line}', now(), 'system', NULL, 'note.add', 'done', 'person', '{one}',
                 'worker', NULL, NULL, '{{\"kind\": \"zzzq\"}}'",
            app.tenant()
        ),
    )
    .await;
    let line = format!("{AUDIT}/lines/{line}");
    let shown = auditor.get(&line).await.text;
    assert!(shown.contains("応対の記録の追加") && !shown.contains(&one) && !shown.contains("zzzq"));
    let file = auditor
        .post(FILE, &[("action", "note.add"), ("encoding", "utf-8")])
        .await
        .text;
    assert!(
        file.contains("note.add") && !file.contains(&one) && !file.contains("zzzq"),
        "{file}"
    );
    // Nor by the number of their account, which was theirs before they were protected.
    let account = "SELECT account_id::text AS line FROM accounts";
    let account = app.insurer.lines(account).await.remove(0);
    let theirs = format!(
        "SELECT audit_id::text AS line FROM audit_events WHERE object_id = '{account}' OR actor_id = '{account}'"
    );
    for line in app.insurer.lines(&theirs).await {
        let shown = auditor.get(&format!("{AUDIT}/lines/{line}")).await.text;
        assert!(!shown.contains(&account), "{shown}");
    }
    assert_eq!(rows(&page(&auditor, &format!("?staff={account}")).await), 0);
    app.later(1);
    let file = auditor.post(FILE, &[("encoding", "utf-8")]).await.text;
    assert!(file.contains("sign_up.") && !file.contains(&account), "{file}");
    // An administrator may protect, and sees it all.
    let administrator = app.clerk(&[Role::Administrator]).await;
    assert!(rows(&page(&administrator, &format!("?person={one}")).await) > 0);
    assert!(administrator.get(&line).await.text.contains(&one));
}

#[tokio::test]
async fn from_where_a_protected_person_came_is_told_to_nobody_who_may_not_protect() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    app.inside(&who).await;
    let came = "SELECT concat_ws(' ', audit_id, address) AS line FROM audit_events
        WHERE actor_kind = 'member' AND address IS NOT NULL LIMIT 1";
    let came = app.insurer.lines(came).await.remove(0);
    let (line, address) = came.split_once(' ').unwrap();
    // Of everybody else whoever may reach them is told it.
    let helper = app.clerk(&[Role::Auditor, Role::CallCentre]).await;
    app.later(1);
    let told = async || {
        let line = helper.get(&format!("{AUDIT}/lines/{line}")).await;
        let file = helper.post(FILE, &[("encoding", "utf-8")]).await;
        assert_eq!((line.status.as_u16(), file.status.as_u16()), (200, 200));
        (line.text.contains(address), file.text.contains(address))
    };
    assert_eq!(told().await, (true, true));
    let one = id(&app, 105).await;
    let fields = [("subject", &*one), ("person", &one), ("reason", "支援措置")];
    let desk = app.clerk(&[Role::Eligibility]).await;
    assert_eq!(desk.post("/console/protections", &fields).await.status, 303);
    app.later(1);
    assert_eq!(told().await, (false, false));
}

#[tokio::test]
async fn from_where_members_came_is_shown_to_whoever_may_see_how_they_are_reached() {
    let app = TestApp::start().await;
    app.insurer.import(&[TestPerson::new(101)]).await;
    app.inside(&app.sign_up_as(&TestPerson::new(101)).await).await;
    let query = "SELECT audit_id::text || ' ' || address AS line FROM audit_events
        WHERE action = 'session.open' AND actor_kind = 'member' AND address IS NOT NULL LIMIT 1";
    let line = app.insurer.lines(query).await.remove(0);
    let (line, address) = line.split_once(' ').unwrap();
    let auditor = app.clerk(&[Role::Auditor]).await;
    let administrator = app.clerk(&[Role::Administrator]).await;
    let at = format!("{AUDIT}/lines/{line}");
    assert!(!auditor.get(&at).await.text.contains(address));
    assert!(administrator.get(&at).await.text.contains(address));
    // What is of the very moment is in the next file.
    app.later(1);
    let file = auditor
        .post(FILE, &[("action", "session.open"), ("encoding", "utf-8")])
        .await;
    assert!(file.text.contains("session.open"));
    assert!(
        file.text
            .lines()
            .filter(|line| line.contains("\"member\""))
            .all(|line| !line.contains(address))
    );
}

#[tokio::test]
async fn before_and_after_is_shown_of_settings_and_rights_alone() {
    let app = TestApp::start().await;
    let auditor = app.clerk(&[Role::Auditor]).await;
    let line = async |action: &str| {
        let id = format!("00000000-0000-7000-8000-{:012}", action.len());
        let insert = format!(
            "INSERT INTO audit_events SELECT {}, '{id}', '2020-01-01', 'system', NULL, '{action}', 'done', NULL, NULL,
                 'worker', NULL, NULL, '{{\"before\": {{\"viewer\": \"昔\"}}, \"after\": {{\"auditor\": \"新\"}}, \"rows\": 7}}'",
            app.tenant()
        );
        testkit::sql(app.tenant(), &insert).await;
        auditor.get(&format!("{AUDIT}/lines/{id}")).await.text
    };
    let rights = line("staff.roles").await;
    assert!(rights.contains("変更の前後") && rights.contains("昔") && rights.contains("新"));
    let other = line("roster.import").await;
    assert!(other.contains("行数") && !other.contains("昔") && !other.contains("変更の前後"));
    let file = auditor.post(FILE, &[("encoding", "utf-8")]).await.text;
    assert!(file.contains("昔"));
    assert!(
        file.lines()
            .filter(|line| line.contains("roster.import"))
            .all(|line| !line.contains("昔"))
    );
}

// security.md 52
#[tokio::test]
async fn the_file_is_the_filters_whole_safe_in_a_spreadsheet_and_stands_in_the_trail() {
    let app = TestApp::start().await;
    let many = format!(
        "INSERT INTO audit_events SELECT {}, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '2020-01-01', 'system', NULL,
             'alarm.raise', '=cmd|''/c calc''!A1', NULL, NULL, 'worker', NULL, NULL, '{{\"failures\": 3}}'
             FROM generate_series(1, 1234) n",
        app.tenant()
    );
    testkit::sql(app.tenant(), &many).await;
    let auditor = app.clerk(&[Role::Auditor]).await;
    let asked = auditor.get(&format!("{FILE}?action=alarm.raise")).await;
    assert!(asked.text.contains("ログイン失敗の警報"), "{}", asked.text);
    let file = auditor
        .post(FILE, &[("action", "alarm.raise"), ("encoding", "utf-8")])
        .await;
    assert!(file.text.starts_with('\u{feff}') && file.header("content-type").contains("text/csv"));
    assert_eq!(file.text.matches("\r\n").count(), 1235);
    assert_eq!(file.text.matches("\"'=cmd|").count(), 1234);
    let cp932 = auditor
        .post(FILE, &[("action", "alarm.raise"), ("encoding", "cp932")])
        .await;
    assert!(cp932.header("content-type").contains("windows-31j"));
    let kept = app
        .insurer
        .lines("SELECT detail::text AS line FROM audit_events WHERE action = 'audit.export' ORDER BY detail->>'encoding' DESC")
        .await;
    assert_eq!(kept.len(), 2);
    assert!(kept[0].contains("utf-8") && kept[0].contains("action"), "{kept:?}");

    // Not without a second factor proven a moment ago, and not for whoever may only read.
    app.later(11 * 60);
    let late = auditor.post(FILE, &[("encoding", "utf-8")]).await;
    assert!(
        late.location().contains("/console/prove"),
        "{} {}",
        late.status,
        late.text
    );
    let viewer = app.clerk(&[Role::Viewer]).await;
    assert_eq!(viewer.get(AUDIT).await.status, 403);
    assert_eq!(viewer.post(FILE, &[("encoding", "utf-8")]).await.status, 403);
}

/// Words with a point between that are no action: of events, queues and what is told apart by them.
const OTHERS: [&str; 24] = [
    "audit.seal",
    "client.revoke",
    "consent.given",
    "consents.file",
    "disclosure.changed",
    "import.finished",
    "letters.file",
    "letters.print",
    "member.closed",
    "member.coverage_lost",
    "member.registered",
    "member.returned",
    "notice.published",
    "keys.names",
    "keys.names_old",
    "keys.ring",
    "notices.open",
    "roster.changed",
    "roster.run",
    "site_notices.open",
    "statement.imported",
    "statement.published",
    "statement.withdrawn",
    "statements.run",
];

/// Every action that a source records has words: a literal of the form noun.verb is an action, the key of a setting, or
/// among the others.
#[test]
fn every_action_is_called_by_words() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let words = std::fs::read_to_string(root.join("crates/web/src/console/audit/words.rs")).unwrap();
    let settings = std::fs::read_to_string(root.join("crates/madoguchi/default.toml")).unwrap();
    let is_setting = |word: &str| {
        let (section, key) = word.split_once('.').unwrap();
        let of = settings.split(&format!("\n[{section}]")).nth(1);
        of.is_some_and(|of| {
            let of = of.split("\n[").next().unwrap();
            of.lines()
                .any(|line| line.trim_start_matches("# ").split([' ', '=']).next() == Some(key))
        })
    };
    let mut unknown = std::collections::BTreeSet::new();
    for name in [
        "accounts",
        "approvals",
        "audit",
        "dashboard",
        "guard",
        "madoguchi",
        "members",
        "notices",
        "roster",
        "staff",
        "statements",
        "tenancy",
        "web/src/console",
    ] {
        let folder = root.join("crates").join(name);
        if folder.exists() {
            // What staff may do is called like it.
            for (file, text) in sources(&folder)
                .into_iter()
                .filter(|(file, _)| !file.ends_with("permissions.rs"))
            {
                let code = text.split("#[cfg(test)]").next().unwrap();
                for word in code.split('"').filter(|word| is_action(word)) {
                    let known = words.contains(&format!("(\"{word}\", ")) || OTHERS.contains(&word) || is_setting(word);
                    if !known {
                        unknown.insert(format!("{word} in {file}"));
                    }
                }
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "give these words in console/audit/words.rs, or say that they are no action: {unknown:#?}"
    );
}

fn is_action(word: &str) -> bool {
    const FILES: [&str; 14] = [
        "rs", "md", "html", "toml", "tml", "csv", "css", "js", "png", "svg", "txt", "xlsx", "jp", "key",
    ];
    let is_word = |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let Some((noun, verb)) = word.split_once('.') else {
        return false;
    };
    is_word(noun) && is_word(verb) && !FILES.contains(&verb) && !["console", "portal", "operator"].contains(&noun)
}

fn sources(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}
