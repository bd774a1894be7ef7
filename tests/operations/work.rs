//! The work in the background on bad days: a mail server that hangs, is away, or is waited for when the process is to end.

use super::{Installation, Node, identity};
use crate::smtp::Smtp;
use kernel::TenantId;
use std::time::{Duration, Instant};
use testkit::{Client, account, admin_url, execute, service_url, unique};
use tokio::process::Command;

/// A sign-up whose code is to be mailed to an address that begins so.
async fn ask_for_code(node: &Node, begins: &str) -> Client {
    let client = Client::new(&node.url, "192.0.2.1");
    client.send_form("/portal/signup", &identity()).await;
    let id = unique("user");
    let form = account(&id, &format!("{begins}{id}@example.jp"));
    let answer = client.send_form("/portal/signup/account", &form).await;
    assert_eq!(answer.location(), "/portal/signup/code", "{}", answer.text);
    client
}

fn work(installation: &Installation, mail: &str) -> Command {
    let mut command = installation.command(&["work"]);
    command
        .env("MADOGUCHI__MAIL__URL", mail)
        .env("MADOGUCHI__HTTP__DRAIN_SECONDS", "1");
    command
}

#[tokio::test]
async fn a_worker_told_to_end_gives_back_the_mail_it_is_sending_and_the_next_sends_it_at_once() {
    let installation = Installation::ready().await;
    let mut smtp = Smtp::start(&[]).await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    // The server takes the mail and never answers.
    ask_for_code(&node, "hang-").await;
    let worker = Node::start(work(&installation, &smtp.url)).await;
    let first = smtp.next().await;
    let told = Instant::now();
    assert!(worker.terminate().await);
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    let insurer = installation.insurer().await;
    installation
        .until(insurer, 1, "due WHERE queue = 'mail' AND leased_by IS NULL")
        .await;
    let next = Node::start(work(&installation, &smtp.url)).await;
    let again = smtp.next().await;
    assert_eq!(again["headers"]["Message-ID"], first["headers"]["Message-ID"]);
    installation.until(insurer, 1, "mails WHERE state = 'sent'").await;
    assert!(next.terminate().await);
}

#[tokio::test]
async fn a_node_told_to_end_under_load_finishes_in_time_and_leaves_no_lease() {
    let installation = Installation::ready().await;
    let smtp = Smtp::start(&[]).await;
    let mut serve = installation.command(&["serve"]);
    serve
        .env("MADOGUCHI__MAIL__URL", &smtp.url)
        .env("MADOGUCHI__HTTP__DRAIN_SECONDS", "1");
    let node = Node::start(serve).await;
    for _ in 0..6 {
        ask_for_code(&node, "hang-").await;
        let client = Client::new(&node.url, "192.0.2.2");
        client.post("/portal/password", &[("user_id", "nobody-here")]).await;
    }
    let told = Instant::now();
    assert!(node.terminate().await);
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    installation
        .until(TenantId::PLATFORM, 0, "due WHERE leased_by IS NOT NULL")
        .await;
}

/// Refuses a change of a table in PostgreSQL's words for a code.
async fn refuse(installation: &Installation, change: &str, code: &str) {
    let refused = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$;
         CREATE TRIGGER refuse BEFORE {change} EXECUTE FUNCTION refuse()"
    );
    execute(&installation.owner_url(), &refused).await.unwrap();
}

#[tokio::test]
async fn a_mail_whose_end_could_not_be_noted_is_noted_later_and_sent_once() {
    let installation = Installation::ready().await;
    let mut smtp = Smtp::start(&[]).await;
    // As a server answers that takes nothing that is written for now.
    let sent = "UPDATE ON mails FOR EACH ROW WHEN (NEW.state = 'sent')";
    refuse(&installation, sent, "read_only_sql_transaction").await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    ask_for_code(&node, "").await;
    let worker = Node::start(work(&installation, &smtp.url)).await;
    smtp.next().await;
    // Longer than its lease was at first.
    tokio::time::sleep(Duration::from_secs(22)).await;
    execute(&installation.owner_url(), "DROP TRIGGER refuse ON mails")
        .await
        .unwrap();
    let insurer = installation.insurer().await;
    installation.until(insurer, 1, "mails WHERE state = 'sent'").await;
    installation.until(insurer, 0, "due WHERE queue = 'mail'").await;
    assert!(smtp.is_quiet().await, "sent twice");
    assert!(worker.terminate().await);
}

/// Whether there is room for what is new; it holds for those who connect from now on.
async fn room(installation: &Installation, there_is: bool) {
    let database = &installation.database;
    let role = url::Url::parse(&service_url()).unwrap().username().to_owned();
    let limit = if there_is {
        "RESET temp_file_limit"
    } else {
        "SET temp_file_limit = 0"
    };
    let close = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
    for statement in [format!("ALTER ROLE {role} IN DATABASE \"{database}\" {limit}"), close] {
        execute(&admin_url(), &statement).await.unwrap();
    }
}

#[tokio::test]
async fn a_mail_sent_while_the_disk_is_full_is_noted_once_there_is_room_and_sent_once() {
    let installation = Installation::ready().await;
    let mut smtp = Smtp::start(&[]).await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    ask_for_code(&node, "").await;
    let sent = "UPDATE ON mails FOR EACH ROW WHEN (NEW.state = 'sent')";
    refuse(&installation, sent, "disk_full").await;
    room(&installation, false).await;
    let worker = Node::start(work(&installation, &smtp.url)).await;
    smtp.next().await;
    // Longer than a refusal that nobody understands is borne.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let insurer = installation.insurer().await;
    installation.until(insurer, 1, "mails WHERE state = 'queued'").await;
    execute(&installation.owner_url(), "DROP TRIGGER refuse ON mails")
        .await
        .unwrap();
    room(&installation, true).await;
    installation.until(insurer, 1, "mails WHERE state = 'sent'").await;
    installation.until(insurer, 0, "due WHERE queue = 'mail'").await;
    assert!(smtp.is_quiet().await, "sent twice");
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn a_mail_whose_end_is_refused_for_good_is_laid_aside_at_once_and_not_sent_again() {
    let installation = Installation::ready().await;
    let mut smtp = Smtp::start(&[]).await;
    let sent = "UPDATE ON mails FOR EACH ROW WHEN (NEW.state = 'sent')";
    refuse(&installation, sent, "check_violation").await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    ask_for_code(&node, "").await;
    let worker = Node::start(work(&installation, &smtp.url)).await;
    smtp.next().await;
    let insurer = installation.insurer().await;
    let aside = "mails WHERE state = 'undeliverable' AND last_error = 'its end could not be noted' AND sealed IS NULL";
    installation.until(insurer, 1, aside).await;
    installation.until(insurer, 1, "due WHERE queue = 'dead.mail'").await;
    assert!(smtp.is_quiet().await, "sent twice");
    let dead = installation.done(&["operate", "dead"]).await;
    assert!(
        dead.starts_with("mail 139998 ") && dead.contains("could not be noted (erased)"),
        "{dead}"
    );
    let log = worker.log.lock().unwrap().clone();
    assert_eq!(log.matches("is tried again").count(), 0, "{log}");
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn a_mail_that_is_to_be_tried_again_is_though_why_it_failed_is_refused() {
    let installation = Installation::ready().await;
    let smtp = Smtp::start(&[]).await;
    let failed = "UPDATE ON mails FOR EACH ROW WHEN (NEW.last_error LIKE 'server answered%')";
    refuse(&installation, failed, "check_violation").await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    ask_for_code(&node, "busy-").await;
    let worker = Node::start(work(&installation, &smtp.url)).await;
    let insurer = installation.insurer().await;
    let waits = "mails WHERE state = 'queued' AND last_error = 'its end could not be noted' AND sealed IS NOT NULL";
    installation.until(insurer, 1, waits).await;
    installation
        .until(insurer, 1, "due WHERE queue = 'mail' AND leased_by IS NULL")
        .await;
    assert_eq!(installation.done(&["operate", "dead"]).await, "", "nothing is lost");
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn a_job_whose_end_is_refused_for_good_is_a_dead_letter_at_once_and_done_once() {
    let installation = Installation::ready().await;
    // A code of which nobody knows whether it passes: a few tries, and no more.
    refuse(&installation, "DELETE ON jobs FOR EACH ROW", "raise_exception").await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    client.post("/portal/password", &[("user_id", "nobody-here")]).await;
    let smtp = Smtp::start(&[]).await;
    let worker = Node::start(work(&installation, &smtp.url)).await;
    let dead = "jobs WHERE dead_at IS NOT NULL AND attempts = 1 AND last_error = 'its end could not be noted'";
    installation.until(TenantId::PLATFORM, 1, dead).await;
    let log = worker.log.lock().unwrap().clone();
    assert_eq!(log.matches("is tried again").count(), 3, "{log}");
    let listed = installation.done(&["operate", "dead"]).await;
    assert!(listed.starts_with("job  platform "), "{listed}");
    execute(&installation.owner_url(), "DROP TRIGGER refuse ON jobs")
        .await
        .unwrap();
    let id = listed.split(' ').nth(3).unwrap();
    installation.done(&["operate", "retry", "platform", id]).await;
    installation.until(TenantId::PLATFORM, 0, "jobs").await;
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn a_mail_server_that_hangs_holds_no_other_work_up() {
    let installation = Installation::ready().await;
    let mut smtp = Smtp::start(&[]).await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let client = ask_for_code(&node, "hang-").await;
    let worker = Node::start(work(&installation, &smtp.url)).await;
    smtp.next().await;
    let answer = client.post("/portal/password", &[("user_id", "nobody-here")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    // Done, whoever has that name.
    installation.until(TenantId::PLATFORM, 0, "jobs").await;
    worker.kill().await;
}

// security.md 65
#[tokio::test]
async fn what_waits_grows_old_in_the_metrics_though_it_is_tried_again_and_again() {
    let installation = Installation::ready().await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    ask_for_code(&node, "").await;
    // A port that was free a moment ago.
    let away = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = work(&installation, &format!("smtp://{away}"));
    command.env("MADOGUCHI__HTTP__ADMIN_LISTEN", "127.0.0.1:0");
    let worker = Node::start(command).await;
    let client = worker.admin().await;
    let begun = Instant::now();
    let metrics = loop {
        let metrics = client.get("/metrics").await.text;
        let age = metrics
            .lines()
            .find_map(|line| line.strip_prefix("queue_age_seconds{queue=\"mail\"} "))
            .map_or(0.0, |age| age.parse::<f64>().unwrap());
        // Past the first retry, after which the line in `due` is younger than this.
        if age > 8.0 {
            break metrics;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{metrics}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    for told in [
        "mail_deliveries_total{ending=\"failed\"}",
        "queue_age_seconds{queue=\"forgotten_password\"} 0",
        "database_connections_max ",
        "database_connections_used ",
    ] {
        assert!(metrics.contains(told), "{told}: {metrics}");
    }
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn metrics_count_requests_by_the_routes_pattern() {
    let installation = Installation::ready().await;
    let mut command = installation.command(&["serve", "--no-worker"]);
    command.env("MADOGUCHI__HTTP__ADMIN_LISTEN", "127.0.0.1:0");
    let node = Node::start(command).await;
    let client = Client::new(&node.url, "192.0.2.1");
    client.get("/portal/password/reset?token=1.secret").await;
    client.get("/api/v1/insurers/139998").await;
    let metrics = node.admin().await.get("/metrics").await.text;
    for told in [
        "http_requests_total{route=\"/portal/password/reset\",method=\"GET\",status=",
        "http_requests_total{route=\"/api/v1/insurers/:code\",method=\"GET\",status=\"200\"} 1",
        "http_request_seconds",
    ] {
        assert!(metrics.contains(told), "{told}: {metrics}");
    }
    assert!(!metrics.contains("secret") && !metrics.contains("139998"), "{metrics}");
    assert!(node.terminate().await);
}

#[tokio::test]
async fn even_at_debug_no_statement_is_logged_with_what_it_was_given() {
    let installation = Installation::ready().await;
    let mut command = installation.command(&["serve"]);
    command.env("MADOGUCHI__LOG__FILTER", "debug,tokio_postgres=trace");
    let node = Node::start(command).await;
    ask_for_code(&node, "somebody-").await;
    let log = node.log.lock().unwrap().clone();
    assert!(log.contains("/portal/signup/account"), "{log}");
    for private in ["somebody-", "コクホ", "1968-11-03", "with parameters"] {
        assert!(!log.contains(private), "{private}: {log}");
    }
    assert!(node.terminate().await);
}

// security.md 44
#[tokio::test]
async fn what_a_pages_policy_kept_out_is_logged_by_directive_and_host_alone() {
    let installation = Installation::new().await;
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    let page = client.get("/portal/").await;
    assert!(page.header("content-security-policy").contains("report-to csp"));
    let endpoint = page
        .header("reporting-endpoints")
        .strip_prefix("csp=\"")
        .unwrap()
        .trim_end_matches('"');
    let report = |directive: &str| {
        serde_json::json!([{
            "type": "csp-violation", "age": 1, "url": "https://portal.example/portal/password/reset?token=7.secret",
            "body": {
                "documentURL": "https://portal.example/portal/password/reset?token=7.secret",
                "effectiveDirective": directive, "blockedURL": "https://ads.example/?token=7.secret",
                "sample": "7.secret",
            },
        }])
    };
    let send = async |body: String, kind: &str| {
        let request = client.request(reqwest::Method::POST, endpoint);
        client
            .send(request.header("Content-Type", kind).body(body))
            .await
            .status
            .as_u16()
    };
    let kind = "application/reports+json";
    assert_eq!(send(report("img-src").to_string(), kind).await, 204);
    assert_eq!(send(report("7.secret").to_string(), kind).await, 204);
    assert_eq!(send("7.secret".into(), kind).await, 400);
    assert_eq!(send(report("img-src").to_string(), "text/plain").await, 415);
    assert_eq!(send(" ".repeat(20_000), kind).await, 413);
    let log = node.log.lock().unwrap().clone();
    for told in [
        "\"directive\":\"img-src\",\"blocked\":\"ads.example\"",
        "\"directive\":\"other\"",
    ] {
        assert!(log.contains(told), "{told}: {log}");
    }
    assert!(!log.contains("secret"), "{log}");
    assert!(node.terminate().await);
}

// security.md 72
#[tokio::test]
async fn a_flood_of_reports_is_cut_off_network_by_network_and_writes_a_line_of_each_kind() {
    let installation = Installation::new().await;
    let mut command = installation.command(&["serve", "--no-worker"]);
    command.env("MADOGUCHI__HTTP__TRUSTED_PROXIES", "127.0.0.1/32");
    let node = Node::start(command).await;
    let report = serde_json::json!({
        "type": "csp-violation",
        "body": {"effectiveDirective": "img-src", "blockedURL": "https://ads.example/"},
    });
    let body = serde_json::to_string(&vec![report; 50]).unwrap();
    let send = async |client: &Client| {
        let request = client.request(reqwest::Method::POST, "/csp-reports");
        let request = request
            .header("Content-Type", "application/reports+json")
            .body(body.clone());
        client.send(request).await.status.as_u16()
    };
    let (flooding, honest) = (Client::new(&node.url, "192.0.2.1"), Client::new(&node.url, "192.0.2.2"));
    let mut answers = Vec::new();
    for _ in 0..40 {
        answers.push(send(&flooding).await);
    }
    let taken = answers.iter().take_while(|status| **status == 204).count();
    assert!(
        taken == 20 && answers[taken..].iter().all(|status| *status == 429),
        "{answers:?}"
    );
    assert_eq!(send(&honest).await, 204);
    let log = node.log.lock().unwrap().clone();
    for line in ["kept something out", "that have sent too many are ignored"] {
        assert_eq!(log.matches(line).count(), 1, "{line}: {log}");
    }
}

// security.md 57, 72
#[tokio::test]
async fn a_forwarded_address_that_is_not_believed_is_told_once_in_a_while() {
    let installation = Installation::new().await;
    for (trusted, told) in [("", 1), ("127.0.0.1/32", 0)] {
        let mut command = installation.command(&["serve", "--no-worker"]);
        if !trusted.is_empty() {
            command.env("MADOGUCHI__HTTP__TRUSTED_PROXIES", trusted);
        }
        let node = Node::start(command).await;
        let client = Client::new(&node.url, "192.0.2.1");
        for _ in 0..5 {
            assert_eq!(client.get("/portal/").await.status, 200);
        }
        let log = node.log.lock().unwrap().clone();
        assert_eq!(log.matches("is not believed").count(), told, "{trusted}: {log}");
        assert!(!log.contains("192.0.2.1"));
    }
}
