//! The demo: what it says when it is up, and what it says when it can't be.

use super::{Installation, binary};
use reqwest::Method;
use std::process::Stdio;
use testkit::{Client, tenants};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::Child,
};

/// A demo on the installation's database, and all it said until it was up.
async fn demo(installation: &Installation) -> (Child, String) {
    let mut command = installation.command(&["demo", "--tenants", tenants().to_str().unwrap()]);
    command.env("DATABASE_URL", installation.owner_url());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    let up = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            said.extend([&*line, "\n"]);
            if line.contains("Ctrl-C") {
                return;
            }
        }
        panic!("it ended: {said}");
    };
    tokio::time::timeout(std::time::Duration::from_mins(2), up)
        .await
        .expect("it starts in time");
    (child, said)
}

/// Its first beat comes within a moment of the box.
const UNTIL_IT_LIVES: &str =
    "for _ in 1 2 3 4 5 6 7 8 9; do n=$(\"$0\" operate nodes); test -z \"$n\" || break; sleep 1; done; echo \"$n\"";

fn url(said: &str) -> String {
    let (_, rest) = said.split_once("listening on ").unwrap();
    rest.lines().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_in_one_box_whose_lines_make_a_second_terminal_speak_to_its_database() {
    let installation = Installation::new().await;
    let (mut child, said) = demo(&installation).await;
    // Four steps and the box, in which the addresses stand once.
    assert!(said.lines().count() < 38, "{said}");
    let url = url(&said);
    for address in ["/demo\n", "/demo/mail\n"] {
        assert_eq!(said.matches(&format!("{url}{address}")).count(), 1, "{said}");
    }
    // `http.listen` of its settings, which names no port, and not the default.
    assert!(!url.ends_with(":8080"), "{url}");

    let exports = said.lines().filter(|line| line.starts_with("export "));
    let pasted = exports.collect::<Vec<_>>().join("\n");
    assert!(
        !pasted.contains("postgres://"),
        "a database that somebody brought is named by their variable: {pasted}"
    );
    let mut shell = tokio::process::Command::new("sh");
    shell
        .args([
            "-ec",
            &format!("{pasted}\n\"$0\" tenant list; \"$0\" keys status; {UNTIL_IT_LIVES}"),
        ])
        .arg(binary())
        .env("DATABASE_URL", installation.owner_url())
        .stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MADOGUCHI__")) {
        shell.env_remove(name);
    }
    let output = shell.output().await.unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && listed.contains("32290413"), "{listed}");
    // It tells the operators' page of itself as any process does.
    assert!(
        listed.contains(env!("CARGO_PKG_VERSION")) && listed.contains("serve"),
        "{listed}"
    );

    let client = Client::new(&url, "127.0.0.1");
    assert_eq!(client.get("/portal/").await.status, 200);
    comes_in(&client, &said).await;
    child.kill().await.unwrap();
    let mut logged = String::new();
    child.stderr.take().unwrap().read_to_string(&mut logged).await.unwrap();
    assert!(!logged.contains("INFO"), "{logged}");
}

/// As the lines for a program say: with what they name there is a token, and with that an answer.
async fn comes_in(client: &Client, said: &str) {
    let exported = |name: &str| {
        let (_, rest) = said.split_once(&format!("export {name}=")).unwrap();
        rest.lines().next().unwrap()
    };
    let asked = client
        .request(Method::POST, "/api/v1/oauth/token")
        .basic_auth(exported("CLIENT_ID"), Some(exported("CLIENT_SECRET")))
        .form(&[("grant_type", "client_credentials")]);
    let issued = client.send(asked).await.json();
    let token = issued["access_token"].as_str().unwrap_or_else(|| panic!("{issued}"));
    let answer = client.call(Method::GET, "/client", Some(token), None).await;
    assert!(
        answer.status == 200 && answer.json()["insurer"]["code"] == "06139901" && answer.json()["sandbox"] == true,
        "{}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_page_says_who_is_registered_and_shows_with_whom_something_is_different() {
    let installation = Installation::new().await;
    let (mut child, said) = demo(&installation).await;
    let client = Client::new(&url(&said), "127.0.0.1");
    let page = client.get("/demo").await.text;
    assert_eq!(page.matches("登録済み").count(), 3, "one of each insurer: {page}");
    for part in [
        "1975年（昭和50年）4月12日",
        "ケンポ　ショウコ",
        "グエン　ティ　ミン　アン",
        "ヨコヤマ　ダイスケ",
        "モトヤマ　ススム",
        "タナカ　ミノル",
        "<code>demo-32290413</code>",
        // The sandbox, with how it is called.
        "06139901",
        "export CLIENT_ID=cl_",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_before_anything_is_begun() {
    let installation = Installation::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let tenants = tenants();
    let demo = ["demo", "--tenants", tenants.to_str().unwrap()];
    let by_argument = [&demo[..], &["--listen", address.as_str()]].concat();
    for (arguments, variables) in [
        (&by_argument[..], &[][..]),
        (&demo[..], &[("MADOGUCHI__HTTP__LISTEN", address.as_str())][..]),
    ] {
        let (success, said) = installation.run(arguments, variables).await;
        assert!(
            !success && said.contains(&address) && said.contains("--listen"),
            "{said}"
        );
        assert!(!said.contains("PostgreSQL"), "{said}");
        assert!(!installation.folder.path().join("var").exists());
    }
    installation.done(&["migrate"]).await;
    installation.done(&["keys", "register"]).await;
    let (success, said) = installation
        .run(&["serve"], &[("MADOGUCHI__HTTP__LISTEN", address.as_str())])
        .await;
    assert!(!success && said.contains(&address), "{said}");
}
