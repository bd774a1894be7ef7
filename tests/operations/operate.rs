//! `madoguchi operate …`: what operators do at the command line over all insurers.

use super::{Installation, Node};
use kernel::TenantId;
use std::time::Duration;
use testkit::{execute_within, lines_within};
use uuid::Uuid;

/// Refused with these words, in one line of ours or as the command line's own, and without a panic.
async fn refused(installation: &Installation, arguments: &[&str], words: &str) {
    let (success, said) = installation.run(arguments, &[]).await;
    assert!(!success && said.contains(words), "{arguments:?}: {said}");
    assert!(
        said.starts_with("error: ") || said.starts_with("madoguchi: ") && said.lines().count() == 1,
        "{arguments:?}: {said}"
    );
}

#[tokio::test]
async fn a_process_says_that_it_is_alive_and_that_it_ends() {
    let installation = Installation::ready().await;
    assert_eq!(installation.done(&["operate", "nodes"]).await, "");
    let serve = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let work = Node::start(installation.command(&["work"])).await;
    let mut said = String::new();
    for _ in 0..100 {
        said = installation.done(&["operate", "nodes"]).await;
        if said.lines().count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let version = env!("CARGO_PKG_VERSION");
    for kind in ["serve_alone", "work"] {
        let line = said
            .lines()
            .find(|line| line.starts_with(kind))
            .unwrap_or_else(|| panic!("{said}"));
        assert!(
            line.contains(version) && line.ends_with("keys k1") && !line.contains("SILENT"),
            "{line}"
        );
    }
    assert!(serve.terminate().await && work.terminate().await);
    assert_eq!(installation.done(&["operate", "nodes"]).await, "");
}

#[tokio::test]
async fn interruptions_are_planned_and_taken_back_and_what_is_not_there_is_said() {
    let installation = Installation::ready().await;
    let planned = installation
        .done(&["operate", "plan", "2096-12-05 22:00", "2096-12-06 06:00", "翌朝まで"])
        .await;
    let id = planned.trim().strip_prefix("planned ").unwrap().to_owned();
    let listed = installation.done(&["operate", "maintenance"]).await;
    assert!(
        listed.contains(&id) && listed.contains("2096年12月05日 22:00:00") && listed.contains("翌朝まで"),
        "{listed}"
    );
    assert!(
        installation
            .done(&["operate", "cancel", &id])
            .await
            .contains("cancelled")
    );
    for (wrong, words) in [
        (&["operate", "cancel", &id][..], "no interruption"),
        (&["operate", "cancel", "x"], "invalid value 'x'"),
        (&["operate", "plan", "2096-12-05 22:00", "2096-12-05 22:00"], "to: "),
        (&["operate", "plan", "2096-12-05 22:00", "2097-12-05 22:00"], "to: "),
        (&["operate", "plan", "2020-01-01 22:00", "2020-01-02 22:00"], "to: "),
        (&["operate", "plan", "あす", "あさって"], "from: "),
        (
            &[
                "operate",
                "plan",
                "2096-12-05 22:00",
                "2096-12-06 22:00",
                &"長".repeat(501),
            ],
            "text: ",
        ),
    ] {
        refused(&installation, wrong, words).await;
    }
    assert_eq!(installation.done(&["operate", "maintenance"]).await, "");
    assert_eq!(installation.done(&["operate", "dead"]).await, "");
}

/// A dead job and one that waits, of whoever.
async fn jobs(installation: &Installation, tenant: TenantId) -> [String; 2] {
    let [dead, waiting] = [Uuid::now_v7(), Uuid::now_v7()];
    let insert = format!(
        "INSERT INTO jobs (tenant_id, job_id, queue, payload, attempts, last_error, dead_at, created_at) VALUES
             ({tenant}, '{dead}', 'forgotten_password', 'x', 8, 'timed out', now(), now()),
             ({tenant}, '{waiting}', 'forgotten_password', 'x', 0, NULL, NULL, now());
         INSERT INTO due (tenant_id, queue, item, due_at, since, rank, turn) VALUES
             ({tenant}, 'dead.forgotten_password', '{dead}', now(), now(), 1, now()),
             ({tenant}, 'forgotten_password', '{waiting}', now(), now(), 1, now())"
    );
    execute_within(&installation.owner_url(), Some(tenant), &insert)
        .await
        .unwrap();
    [dead.to_string(), waiting.to_string()]
}

/// A mail that reached nobody so many days ago, with or without what it said.
async fn mail(installation: &Installation, tenant: TenantId, days: u32, sealed: &str) -> String {
    let id = Uuid::now_v7();
    let at = format!("now() - interval '{days} days'");
    let insert = format!(
        "INSERT INTO mails (tenant_id, mail_id, template, masked_to, message_id, sealed, state, attempts, last_error, created_at,
             finished_at) VALUES ({tenant}, '{id}', 'test.mail', 't***o@ex***.jp', 'x', {sealed}, 'undeliverable', 1,
             'server answered 550', {at}, {at});
         INSERT INTO due (tenant_id, queue, item, due_at, since, rank, turn)
             VALUES ({tenant}, 'dead.mail', '{id}', {at}, {at}, 1, {at})"
    );
    execute_within(&installation.owner_url(), Some(tenant), &insert)
        .await
        .unwrap();
    id.to_string()
}

async fn deeds(installation: &Installation, tenant: TenantId) -> Vec<String> {
    let query = "SELECT action || ' ' || object_id AS line FROM audit_events
        WHERE action LIKE 'job.%' OR action LIKE 'mail.%' ORDER BY audit_id";
    lines_within(&installation.owner_url(), Some(tenant), query).await
}

const GONE: &str = "It is not among what failed any more.";
const ERASED: &str = "What the mail said is erased";

#[tokio::test]
async fn what_did_not_die_is_anothers_or_holds_a_code_is_neither_tried_dropped_nor_sent() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    let [dead, waiting] = jobs(&installation, insurer).await;
    let [of_platform, _] = jobs(&installation, TenantId::PLATFORM).await;
    let (code, late, good) = (
        mail(&installation, insurer, 1, "NULL").await,
        mail(&installation, insurer, 8, "'x'").await,
        mail(&installation, insurer, 1, "'x'").await,
    );
    let listed = installation.done(&["operate", "dead"]).await;
    assert_eq!(listed.lines().count(), 5, "{listed}");
    assert!(listed.contains(&format!(
        "mail 139998 {code} test.mail t***o@ex***.jp server answered 550 (erased)"
    )));
    assert!(!listed.contains(&waiting), "{listed}");
    let nobody = Uuid::now_v7().to_string();
    for verb in ["retry", "drop", "send-again"] {
        let own = ["operate", verb, "139998", &dead];
        let with = |place: usize, other: &'static str| {
            let mut arguments = own;
            arguments[place] = other;
            arguments
        };
        refused(&installation, &with(2, "000000"), "no insurer has this code").await;
        refused(&installation, &with(2, "139999"), "its last digit should be 8").await;
        refused(&installation, &with(2, "nobody"), "a code has 8 digits").await;
        refused(&installation, &with(2, ""), "a code has 8 digits").await;
        for malformed in ["x", "", "00000000-0000", "1 OR 1=1"] {
            refused(&installation, &with(3, malformed), "<ID>").await;
        }
        refused(&installation, &["operate", verb, "139998", &nobody], GONE).await;
        refused(&installation, &["operate", verb, "139998", &of_platform], GONE).await;
        refused(&installation, &["operate", verb, "platform", &dead], GONE).await;
        refused(&installation, &["operate", verb, "139998", &waiting], GONE).await;
    }
    for (verb, id, words) in [
        ("retry", &good, GONE),
        ("drop", &good, GONE),
        ("send-again", &dead, GONE),
        ("send-again", &code, ERASED),
        ("send-again", &late, ERASED),
    ] {
        refused(&installation, &["operate", verb, "139998", id], words).await;
    }
    assert_eq!(
        installation.done(&["operate", "dead"]).await,
        listed,
        "nothing was changed"
    );
    for tenant in [insurer, TenantId::PLATFORM] {
        assert!(deeds(&installation, tenant).await.is_empty());
    }
    // What may be done is done once.
    for (verb, code, id) in [
        ("retry", "139998", &dead),
        ("drop", "platform", &of_platform),
        ("send-again", "139998", &good),
    ] {
        assert_eq!(installation.done(&["operate", verb, code, id]).await.trim(), "done");
        refused(&installation, &["operate", verb, code, id], GONE).await;
    }
    let own = [format!("job.retry {dead}"), format!("mail.send_again {good}")];
    assert_eq!(deeds(&installation, insurer).await, own);
    let mut all = own.to_vec();
    all.insert(1, format!("job.drop {of_platform}"));
    assert_eq!(deeds(&installation, TenantId::PLATFORM).await, all);
}

#[tokio::test]
async fn an_insurer_is_suspended_once_and_whose_code_is_nobodys_is_not() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    for verb in ["suspend", "resume"] {
        refused(&installation, &["tenant", verb, "000000"], "no insurer has this code").await;
        refused(&installation, &["tenant", verb, "139997"], "its last digit should be 8").await;
        refused(
            &installation,
            &["tenant", verb, "platform"],
            "no insurer has the code platform",
        )
        .await;
        refused(&installation, &["tenant", verb], "<CODE>").await;
    }
    let done = async |verb: &str, words: &str| {
        let said = installation
            .done(&["tenant", verb, "139998", "--why", "調査のため"])
            .await;
        assert_eq!(said.trim(), words);
    };
    done("resume", "139998 was open already").await;
    done("suspend", "139998 is suspended").await;
    done("suspend", "139998 was suspended already").await;
    done("resume", "139998 is open").await;
    done("resume", "139998 was open already").await;
    for tenant in [insurer, TenantId::PLATFORM] {
        let query = "SELECT action || ' ' || (detail->>'why') AS line FROM audit_events
            WHERE action IN ('insurer.suspend', 'insurer.resume') ORDER BY audit_id";
        let lines = lines_within(&installation.owner_url(), Some(tenant), query).await;
        assert_eq!(lines, ["insurer.suspend 調査のため", "insurer.resume 調査のため"]);
    }
}

#[tokio::test]
async fn while_the_database_is_away_every_command_says_so_and_tells_no_password() {
    let installation = Installation::new().await;
    let id = Uuid::now_v7().to_string();
    // A port that was free a moment ago.
    let away = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://somebody:geheim@{away}/madoguchi");
    for arguments in [
        &["operate", "nodes"][..],
        &["operate", "dead"],
        &["operate", "retry", "139998", &id],
        &["operate", "drop", "139998", &id],
        &["operate", "send-again", "platform", &id],
        &["operate", "maintenance"],
        &["operate", "plan", "2096-12-05 22:00", "2096-12-06 06:00"],
        &["operate", "cancel", &id],
        &["tenant", "list"],
        &["tenant", "letter", "139998"],
        &["tenant", "suspend", "139998"],
        &["staff", "list", "139998"],
        &["staff", "invite", "139998", "kanri@example.jp"],
        &["audit", "verify", "139998"],
        &["audit", "anchor"],
        &["audit", "anchor", "139998"],
    ] {
        let (success, said) = installation.run(arguments, &[("MADOGUCHI__DATABASE__URL", &url)]).await;
        assert!(!success && said.starts_with("madoguchi: "), "{arguments:?}: {said}");
        assert!(said.contains("no database connection"), "{arguments:?}: {said}");
        assert!(
            !said.contains("geheim") && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
    }
}
