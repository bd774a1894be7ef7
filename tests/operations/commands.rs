//! The command line: what it does to a database, and what it refuses to start with.

use super::{Installation, Node};
use std::time::Duration;
use testkit::{Client, tenants};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

#[tokio::test]
async fn migrate_twice_and_apply_twice_change_nothing_the_second_time() {
    let installation = Installation::new().await;
    let said = installation.done(&["migrate"]).await;
    assert!(said.contains("applied") && said.contains("has its grants"), "{said}");
    let again = installation.done(&["migrate"]).await;
    assert!(again.starts_with("0 migrations applied"), "{again}");
    let folders: Vec<_> = ["_platform", "32290413", "06139992", "139998"]
        .map(|name| tenants().join(name))
        .into();
    let mut apply = vec!["tenant", "apply"];
    apply.extend(folders.iter().map(|folder| folder.to_str().unwrap()));
    let first = installation.done(&apply).await;
    assert_eq!(first.matches("written").count(), 4, "{first}");
    let listed = installation.done(&["tenant", "list"]).await;
    let again = installation.done(&apply).await;
    assert_eq!(again.matches("settings unchanged").count(), 4, "{again}");
    assert!(again.contains("0 published, 0 changed, 0 ended"), "{again}");
    assert_eq!(installation.done(&["tenant", "list"]).await, listed);
}

#[tokio::test]
async fn a_folder_with_an_error_is_refused_by_file_and_line_and_leaves_nothing() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    let folder = installation.folder.path().join("139998");
    std::fs::create_dir(&folder).unwrap();
    let text = std::fs::read_to_string(tenants().join("139998/tenant.toml")).unwrap();
    std::fs::write(folder.join("tenant.toml"), text.replace("\"#7a2e6f\"", "\"plum\"")).unwrap();
    let (success, said) = installation.run(&["tenant", "apply", "139998"], &[]).await;
    assert!(!success && said.contains("139998/tenant.toml:6:"), "{said}");
    assert!(!installation.done(&["tenant", "list"]).await.contains("139998"));
}

#[tokio::test]
async fn a_demo_without_insurers_folders_names_what_it_looked_for_and_starts_nothing() {
    let installation = Installation::new().await;
    let (success, said) = installation.run(&["demo", "--listen", "127.0.0.1:0"], &[]).await;
    assert!(
        !success && said.contains("tenants: ") && said.contains("--tenants"),
        "{said}"
    );
    assert!(!installation.folder.path().join("var").exists());
}

/// The shipped folders of two insurers.
fn two_folders() -> [String; 2] {
    ["32290413", "139998"].map(|code| tenants().join(code).to_str().unwrap().to_owned())
}

#[tokio::test]
async fn whoever_stops_listening_stops_nothing() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    installation.done(&["keys", "register"]).await;
    let [one, two] = two_folders();
    let roster = tenants().join("139998/sample-roster.csv");
    for arguments in [
        &["tenant", "apply", &one, &two][..],
        &["roster", "import", "139998", roster.to_str().unwrap()],
        &["tenant", "list"],
        &["tenant", "show", "139998"],
        &["keys", "status"],
        &["config"],
        &["openapi"],
        &["--help"],
        &["migrate"],
    ] {
        let mut child = installation.command(arguments).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        let ended = tokio::time::timeout(Duration::from_mins(1), child.wait()).await;
        assert!(ended.expect("an end").unwrap().success(), "{arguments:?}");
    }
    let listed = installation.done(&["tenant", "list"]).await;
    assert!(listed.contains("32290413") && listed.contains("139998"), "{listed}");
    let again = installation.done(&["tenant", "apply", &one, &two]).await;
    assert_eq!(again.matches("settings unchanged").count(), 2, "{again}");
    let again = installation
        .done(&["roster", "import", "139998", roster.to_str().unwrap()])
        .await;
    assert!(again.contains("new 0, changed 0"), "{again}");
}

#[tokio::test]
async fn a_code_that_is_nobodys_is_told_what_is_wrong_with_it_and_which_one_may_be_meant() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    let [one, two] = two_folders();
    installation.done(&["tenant", "apply", &one, &two]).await;
    let meant = "did you mean 139998 (みほん国民健康保険組合)?";
    for (typed, told) in [
        ("139999", "its last digit should be 8 (139998)"),
        ("139999", meant),
        ("13999", "8 digits, or 6"),
        ("13999", meant),
        // Right in itself, and nobody's.
        ("239996", "no insurer has this code"),
        ("32920413", "did you mean 32290413 (奈良県市町村職員共済組合)?"),
        ("_platform", "did you mean platform ("),
    ] {
        for command in [&["tenant", "show"][..], &["tenant", "suspend"], &["member", "unlock"]] {
            let mut arguments = [command, &[typed]].concat();
            if command[0] == "member" {
                arguments.extend(["--symbol", "1", "--number", "1"]);
            }
            let (success, said) = installation.run(&arguments, &[]).await;
            assert!(
                !success && said.contains(typed) && said.contains(told),
                "{arguments:?}: {said}"
            );
        }
    }
    let (_, said) = installation.run(&["tenant", "show", "06139992"], &[]).await;
    assert!(!said.contains("did you mean"), "{said}");
}

#[tokio::test]
async fn what_is_shown_of_an_insurer_is_a_tenant_toml() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    let [one, _] = two_folders();
    let platform = tenants().join("_platform");
    installation
        .done(&["tenant", "apply", &one, platform.to_str().unwrap()])
        .await;
    for (code, folder) in [("32290413", "32290413"), ("platform", "_platform")] {
        let shown = installation.done(&["tenant", "show", code]).await;
        let read: toml::Table = shown.parse().unwrap();
        let file = std::fs::read_to_string(tenants().join(folder).join("tenant.toml")).unwrap();
        let file: toml::Table = file.parse().unwrap();
        for (key, value) in &read {
            let shipped = file.get(key);
            assert!(
                key == "logo" || shipped.is_none_or(|shipped| shipped == value),
                "{key}: {shown}"
            );
        }
        assert!(
            shown.contains("# open, revision 1") && shown.contains("# revision 1, 2"),
            "{shown}"
        );
        assert!(shown.contains("# terms/") && !shown.contains("TenantId"), "{shown}");
    }
}

#[tokio::test]
async fn what_was_copied_from_another_insurer_and_forgotten_is_noticed() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    let [one, _] = two_folders();
    let first = installation.done(&["tenant", "apply", &one]).await;
    assert!(!first.contains("copied?"), "{first}");
    let code = kernel::InsurerCode::with_check_digit("3229099").unwrap();
    let folder = installation.folder.path().join(code.as_str());
    std::fs::create_dir_all(folder.join("terms")).unwrap();
    let shipped = tenants().join("32290413");
    std::fs::copy(shipped.join("terms/addendum.1.md"), folder.join("terms/addendum.1.md")).unwrap();
    std::fs::copy(shipped.join("logo.png"), folder.join("logo.png")).unwrap();
    std::fs::create_dir(folder.join("pages")).unwrap();
    let page = "pages/family-statements.md";
    std::fs::copy(shipped.join(page), folder.join(page)).unwrap();
    let text = std::fs::read_to_string(shipped.join("tenant.toml")).unwrap();
    let text = text
        .replacen("32290413", code.as_str(), 1)
        .replacen("奈良県", "みほん県", 1);
    let apply = ["tenant", "apply", "--dry-run", code.as_str()];
    std::fs::write(folder.join("tenant.toml"), &text).unwrap();
    let said = installation.done(&apply).await;
    for what in ["desk.phone", "sender.address", "terms/addendum.1.md"] {
        let told = said
            .lines()
            .any(|line| line.contains(what) && line.contains("of 32290413 (") && line.contains("copied?"));
        assert!(told, "{what}: {said}");
    }
    // The copy's code is forgotten, or its folder's name.
    std::fs::write(folder.join("tenant.toml"), text.replacen(code.as_str(), "32290413", 1)).unwrap();
    let (success, said) = installation.run(&apply, &[]).await;
    assert!(!success && said.contains("the folder is named"), "{said}");
}

#[tokio::test]
async fn a_node_says_that_the_platforms_folder_is_missing_until_it_is_applied() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    installation.done(&["keys", "register"]).await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let told = |node: &Node| node.log.lock().unwrap().contains("tenant apply tenants/_platform");
    for _ in 0..100 {
        if told(&node) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(told(&node));
    assert!(node.terminate().await);
    let platform = tenants().join("_platform");
    installation
        .done(&["tenant", "apply", platform.to_str().unwrap()])
        .await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    assert_eq!(Client::new(&node.url, "192.0.2.1").get("/portal/").await.status, 200);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!told(&node));
    assert!(node.terminate().await);
}

// security.md 71
#[tokio::test]
async fn a_folder_of_links_is_refused_and_a_file_of_settings_must_be_one() {
    let installation = Installation::new().await;
    installation.done(&["migrate"]).await;
    let folder = installation.folder.path().join("139998");
    std::fs::create_dir_all(folder.join("pages")).unwrap();
    std::fs::copy(tenants().join("139998/tenant.toml"), folder.join("tenant.toml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("logo.png")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("pages/faq.md")).unwrap();
    std::os::unix::fs::symlink(tenants().join("139998/notices"), folder.join("notices")).unwrap();
    std::fs::write(folder.join("\u{1b}[2J.md"), "").unwrap();
    let (success, said) = installation.run(&["tenant", "apply", "139998"], &[]).await;
    assert!(!success && !said.contains('\u{1b}'), "{said:?}");
    for told in [
        "139998/pages/faq.md:1: is a link",
        "139998/notices:1: neither a file nor a folder",
        "139998/logo.png:1: neither a file nor a folder",
        "139998/\\u{1b}[2J.md:1: unknown file",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    for file in ["/dev/zero", ".", "absent.toml"] {
        let (success, said) = installation.run(&["--config", file, "config"], &[]).await;
        assert!(!success && said.contains(file), "{said}");
    }
    std::fs::write(
        installation.folder.path().join("real.toml"),
        "[http]\nidle_seconds = 7\n",
    )
    .unwrap();
    std::os::unix::fs::symlink("real.toml", installation.folder.path().join("named.toml")).unwrap();
    let said = installation.done(&["--config", "named.toml", "config"]).await;
    assert!(said.contains("idle_seconds = 7"), "{said}");
}

// security.md 55
#[tokio::test]
async fn what_an_operator_does_leaves_a_line_that_names_them() {
    let installation = Installation::ready().await;
    let (url, insurer) = (installation.owner_url(), installation.insurer().await);
    installation.done(&["tenant", "export", "139998", "out"]).await;
    installation.done(&["prune"]).await;
    let who = std::process::Command::new("id").arg("-un").output().unwrap();
    let who = String::from_utf8(who.stdout).unwrap();
    let lines = async |tenant, actions: &str| {
        let query = format!(
            "SELECT DISTINCT action AS line FROM audit_events WHERE actor_kind = 'operator'
             AND detail->>'by' LIKE '%{}' AND action IN ({actions}) ORDER BY 1",
            who.trim()
        );
        testkit::lines_within(&url, Some(tenant), &query).await
    };
    assert_eq!(
        lines(
            kernel::TenantId::PLATFORM,
            "'database.migrate', 'database.prune', 'insurer.apply'"
        )
        .await,
        ["database.migrate", "database.prune", "insurer.apply"]
    );
    assert_eq!(
        lines(insurer, "'insurer.apply', 'insurer.export'").await,
        ["insurer.apply", "insurer.export"]
    );
    let unnamed = "SELECT action AS line FROM audit_events WHERE actor_kind = 'operator' AND NOT detail ? 'by'";
    assert!(testkit::lines_within(&url, Some(insurer), unnamed).await.is_empty());
}

// security.md 13
#[tokio::test]
async fn the_desk_lets_codes_be_taken_again() {
    let installation = Installation::ready().await;
    let (url, insurer) = (installation.owner_url(), installation.insurer().await);
    let person = "SELECT concat_ws(' ', symbol, number, branch, person_id) AS line FROM persons WHERE lost_on IS NULL ORDER BY person_id";
    let person = testkit::lines_within(&url, Some(insurer), person).await.remove(0);
    let [symbol, number, branch, id] = person.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{person}");
    };
    let lock = format!("INSERT INTO wrong_codes VALUES ({insurer}, '{id}', 100)");
    testkit::execute_within(&url, Some(insurer), &lock).await.unwrap();
    let unlock = [
        "member", "unlock", "139998", "--symbol", symbol, "--number", number, "--branch", branch,
    ];
    assert!(installation.done(&unlock).await.contains("unlocked"));
    assert!(installation.done(&unlock).await.contains("was not locked"));
    let told = format!("SELECT detail->>'failures' AS line FROM audit_events WHERE object_id = '{id}'");
    assert_eq!(testkit::lines_within(&url, Some(insurer), &told).await, ["100"]);
    let (success, said) = installation
        .run(
            &["member", "unlock", "139998", "--symbol", symbol, "--number", "999999"],
            &[],
        )
        .await;
    assert!(!success && said.contains("nobody has this number"), "{said}");
}

#[tokio::test]
async fn an_insurer_is_suspended_and_resumed_and_its_roster_imported_whole_or_not_at_all() {
    let installation = Installation::ready().await;
    assert!(
        installation
            .done(&["tenant", "suspend", "139998"])
            .await
            .contains("is suspended")
    );
    assert!(
        installation
            .done(&["tenant", "suspend", "139998"])
            .await
            .contains("already")
    );
    assert!(installation.done(&["tenant", "list"]).await.contains("suspended"));
    assert!(
        installation
            .done(&["tenant", "resume", "139998"])
            .await
            .contains("is open")
    );
    let (success, said) = installation.run(&["tenant", "suspend", "12345678"], &[]).await;
    assert!(!success, "{said}");
    let roster = tenants().join("139998/sample-roster.csv");
    let text = std::fs::read_to_string(&roster).unwrap();
    let few: Vec<&str> = text.lines().take(4).collect();
    std::fs::write(installation.folder.path().join("few.csv"), few.join("\n")).unwrap();
    let (success, said) = installation.run(&["roster", "import", "139998", "few.csv"], &[]).await;
    assert!(!success && said.contains("allow-loss"), "{said}");
    let dry = installation
        .done(&["roster", "import", "139998", "few.csv", "--dry-run"])
        .await;
    assert!(
        dry.contains("would vanish (of ") && dry.contains(" 0 lost by today"),
        "{dry}"
    );
    let same = installation
        .done(&["roster", "import", "139998", roster.to_str().unwrap()])
        .await;
    assert!(same.contains("unchanged"), "{same}");
}

#[tokio::test]
async fn a_bad_setting_stops_the_start_with_its_name_and_the_reason() {
    let installation = Installation::new().await;
    for (name, value, said) in [
        ("MADOGUCHI__KEYS__CURRENT", "", "keys.current"),
        ("MADOGUCHI__KEYS__CURRENT", "k2", "k2"),
        ("MADOGUCHI__KEYS__RING__K1", "c2hvcnQ=", "keys.ring"),
        ("MADOGUCHI__KEYS__NAMES", "", "keys.names"),
        ("MADOGUCHI__KEYS__NAMES", super::KEY, "keys.names"),
        ("MADOGUCHI__KEYS__NAMES_OLD", super::NAMES_KEY, "keys.names_old"),
        ("MADOGUCHI__DATABASE__URL", "", "database.url"),
        (
            "MADOGUCHI__HTTP__PUBLIC_URL",
            "http://portal.example.jp",
            "http.public_url",
        ),
        (
            "MADOGUCHI__HTTP__PUBLIC_URL",
            "https://portal.example.jp/path",
            "http.public_url",
        ),
        ("MADOGUCHI__HTTP__LISTEN", "nowhere", "http.listen"),
        ("MADOGUCHI__HTTP__TRUSTED_PROXIES", "everybody", "trusted_proxies"),
        ("MADOGUCHI__MAIL__URL", "http://localhost", "mail.url"),
        ("MADOGUCHI__LIMITS__CODE_LIFE", "601", "limits.code_life"),
        ("MADOGUCHI__LIMITS__CODE_TRIES", "0", "limits.code_tries"),
        ("MADOGUCHI__LIMITS__RESET_TRIES", "0", "limits.reset_tries"),
        ("MADOGUCHI__LIMITS__NETWORK_WINDOW", "0", "limits.network_window"),
        ("MADOGUCHI__HASH__QUEUE", "0", "hash.queue"),
        ("MADOGUCHI__HTTP__BODY_LIMIT_BYTES", "0", "http.body_limit_bytes"),
        ("MADOGUCHI__DATABASE__WAIT_SECONDS", "0", "database.wait_seconds"),
        (
            "MADOGUCHI__DATABASE__URL",
            "postgres://u:hunter2@host:port/db",
            "database.url",
        ),
        (
            "MADOGUCHI__DATABASE__OWNER_URL",
            "mysql://u:hunter2@host/db",
            "database.owner_url",
        ),
        ("MADOGUCHI__MAIL__URL", "smtp://u:hunter2@host:port", "mail.url"),
        ("MADOGUCHI__MAIL__URL", "smtp://u:hunter2@mail.example", "mail.url"),
        ("MADOGUCHI__LOG__FILTER", "accounts=loud", "log.filter"),
        ("MADOGUCHI__HTTP__LISTENS", "127.0.0.1:0", "listens"),
    ] {
        let (success, out) = installation.run(&["serve"], &[(name, value)]).await;
        assert!(!success, "{name}={value}: {out}");
        assert!(out.contains(said), "{name}={value}: {out}");
        assert!(
            !out.contains(super::KEY) && !out.contains(super::NAMES_KEY) && !out.contains("hunter2"),
            "a secret is printed: {out}"
        );
    }
    let config = installation.done(&["config"]).await;
    assert!(
        config.contains("public_url")
            && !config.contains(super::KEY)
            && !config.contains(super::NAMES_KEY)
            && !config.contains("postgres://"),
        "{config}"
    );
    // What is read from a variable is shown as the setting it is, and a password nowhere.
    let variables = [
        ("MADOGUCHI__HTTP__IDLE_SECONDS", "7"),
        ("MADOGUCHI__LIMITS__LOG_IN_WAITS", "60,120"),
        ("MADOGUCHI__MAIL__URL", "smtps://u:hunter2@mail.example"),
        ("MADOGUCHI__HTTP__CONSOLE_URL", "http://127.0.0.1:8080"),
    ];
    let (success, config) = installation.run(&["config"], &variables).await;
    assert!(success && !config.contains("hunter2"), "{config}");
    let config: toml::Table = config.parse().unwrap();
    assert_eq!(config["http"]["idle_seconds"].as_integer(), Some(7));
    assert_eq!(
        config["limits"]["log_in_waits"].as_array().unwrap()[1].as_integer(),
        Some(120)
    );
    assert_eq!(config["keys"]["ring"]["k1"].as_str(), Some("…"));
    assert_eq!(config["http"]["console_url"].as_str(), Some("http://127.0.0.1:8080"));
    assert!(config["mail"]["url"].as_str().unwrap().contains("mail.example"));
}

#[tokio::test]
async fn a_node_is_alive_at_once_and_ready_when_the_database_is_migrated_and_knows_its_keys_and_ends_well_when_told() {
    let installation = Installation::new().await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    let (alive, ready) = (client.get("/livez").await, client.get("/readyz").await);
    assert_eq!(
        (alive.status.as_u16(), alive.text.as_str(), ready.status.as_u16()),
        (200, "ok", 503)
    );
    installation.done(&["migrate"]).await;
    let ready = client.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.text.as_str()), (503, "keys not proven"));
    installation.done(&["keys", "register"]).await;
    let ready = client.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.text.as_str()), (200, "ok"));
    assert!(node.terminate().await);
}

#[tokio::test]
async fn the_document_that_the_binary_prints_is_the_committed_one() {
    let installation = Installation::new().await;
    let printed = installation.done(&["openapi"]).await;
    let committed = std::fs::read_to_string(tenants().join("../openapi/v1.json")).unwrap();
    assert!(printed.trim_end() == committed.trim_end(), "run cargo xtask openapi");
}

#[tokio::test]
async fn a_sender_that_stops_in_the_middle_of_its_headers_is_given_up() {
    let installation = Installation::new().await;
    let mut command = installation.command(&["serve", "--no-worker"]);
    command
        .env("MADOGUCHI__HTTP__IDLE_SECONDS", "1")
        .env("MADOGUCHI__HTTP__HEADER_SECONDS", "1");
    let node = Node::start(command).await;
    for begun in ["", "GET /livez HT", "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(node.url.trim_start_matches("http://"))
            .await
            .unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut Vec::new())).await;
        assert!(closed.is_ok(), "{begun:?} is waited for");
    }
    assert!(node.terminate().await);
}
