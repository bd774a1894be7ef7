//! The API against its own document, by schemathesis: tests/schemathesis/ says how, and why where it differs.

use super::{accept, token};
use access::SCOPES;
use audit::{Actor, Origin};
use notices::{Draft, To};
use std::{path::Path, process::Stdio};
use testkit::{TestApp, TestPerson, conditions};
use tokio::process::Command;

/// Enough that no call is one too many: all of an insurer's together have five times as many as one.
const CLIENTS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_that_the_document_does_not_say() {
    // Throttles would refuse what is to be tested; they have tests of their own.
    let app = TestApp::with(
        "32290413",
        |_| (),
        |config| {
            let limits = &mut config.limits;
            for limit in [
                &mut limits.identity_tries,
                &mut limits.identity_network_tries,
                &mut limits.identity_alarm,
                &mut limits.identity_tickets,
                &mut limits.account_posts,
                &mut limits.log_in_tries,
                &mut limits.log_in_id_tries,
                &mut limits.log_in_network_tries,
                &mut limits.reset_tries,
                &mut limits.recovery_network_tries,
            ] {
                *limit = 1_000_000;
            }
            config.hash.threads = 2;
        },
    )
    .await;
    // The person of the document's examples, and another one who is a member already.
    let example = TestPerson {
        kana_name: "ケンポ　タロウ".into(),
        birth_date: "1975-04-12".into(),
        ..TestPerson::new(105)
    };
    let member = TestPerson::new(700);
    app.insurer.import(&[example, member.clone()]).await;
    let who = app.sign_up_as(&member).await;
    let client = app.client();
    accept(&client, &token(&client, &who).await).await;
    let mut tx = app.write(app.tenant()).await;
    let draft = Draft {
        title: "お知らせ".into(),
        body: "本文".into(),
        published_at: app.clock().now(),
        ended_at: None,
        mail: false,
    };
    let by = (Origin::command(), Actor::System);
    app.notices()
        .publish(&mut tx, &by.0, by.1, To::All, &draft)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut programs = Vec::new();
    for _ in 0..CLIENTS {
        let program = app.client_at(app.tenant(), conditions(&SCOPES)).await;
        programs.push(format!("{}={}", program.name, program.secret));
    }

    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis");
    let python = std::env::var("MADOGUCHI_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let url = format!("{}/api/v1", app.url);
    let output = Command::new(python)
        .current_dir(here)
        .args(["-m", "schemathesis.cli", "run", &format!("{url}/openapi.json")])
        .env("MADOGUCHI_API_URL", &url)
        .env("MADOGUCHI_API_USER_ID", &who.user_id)
        .env("MADOGUCHI_API_PASSWORD", testkit::PASSWORD)
        .env("MADOGUCHI_API_CLIENTS", programs.join(" "))
        .env("MADOGUCHI_API_INSURER", app.insurer.code.as_str())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{out}");
    assert!(output.status.success(), "{err}");
}
