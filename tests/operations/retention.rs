//! What has served its time is deleted (security.md 58): by every node, and, of what the service may only add to, by the
//! owner.

use super::{Installation, Node, identity};
use crate::smtp::{Smtp, code_in};
use chrono::Datelike as _;
use kernel::{AuditId, TenantId, calendar};
use testkit::{Client, PASSWORD, account, execute, execute_within, lines_within, unique};

async fn put(installation: &Installation, tenant: TenantId, rows: &str) {
    execute_within(&installation.owner_url(), Some(tenant), rows)
        .await
        .unwrap();
}

/// A dead job of an insurer, by the years since its death.
fn dead_job(tenant: TenantId, years: u32) -> String {
    format!(
        "INSERT INTO jobs SELECT {tenant}, gen_random_uuid(), 'forgotten_user_id', '\\x00', 8, NULL, 'x', at, at
         FROM (SELECT current_timestamp - interval '{years} years' AS at) t"
    )
}

#[tokio::test]
async fn a_node_sweeps_when_it_starts_and_forgets_what_was_typed_with_a_dead_job() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    for tenant in [insurer, TenantId::PLATFORM] {
        put(
            &installation,
            tenant,
            &format!("{}; {}", dead_job(tenant, 1), dead_job(tenant, 0)),
        )
        .await;
    }
    let worker = Node::start(installation.command(&["work"])).await;
    for tenant in [insurer, TenantId::PLATFORM] {
        installation.until(tenant, 1, "jobs").await;
    }
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn an_insurer_that_cannot_be_swept_keeps_no_other_from_it() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    put(&installation, insurer, &dead_job(insurer, 1)).await;
    put(&installation, TenantId::PLATFORM, &dead_job(TenantId::PLATFORM, 1)).await;
    // Of the platform, which comes first, nothing can be deleted.
    execute(
        &installation.owner_url(),
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER refuse BEFORE DELETE ON jobs FOR EACH ROW WHEN (OLD.tenant_id = 0) EXECUTE FUNCTION refuse()",
    )
    .await
    .unwrap();
    let worker = Node::start(installation.command(&["work"])).await;
    installation.until(insurer, 0, "jobs").await;
    installation.until(TenantId::PLATFORM, 1, "jobs").await;
    assert!(worker.terminate().await);
}

#[tokio::test]
async fn the_trail_is_kept_for_five_years_and_the_owner_deletes_what_is_older() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    for years in [4, 6] {
        let at = chrono::Utc::now() - chrono::TimeDelta::days(365 * years);
        // More than are deleted at once.
        let id = format!("(left('{}', 24) || lpad(to_hex(n), 12, '0'))::uuid", AuditId::least(at));
        put(
            &installation,
            insurer,
            &format!(
                "INSERT INTO audit_events SELECT {insurer}, {id}, '{at}', 'system', NULL, 'test.line', 'done', NULL, NULL,
                     'command', NULL, NULL, '{{}}' FROM generate_series(1, 1200) n;
                 INSERT INTO audit_subjects SELECT {insurer}, {id}, {id}, '{at}' FROM generate_series(1, 1200) n;
                 INSERT INTO events SELECT {insurer}, {id}, 'test', {id}, '{{}}', '{at}' FROM generate_series(1, 1200) n;
                 INSERT INTO roster_changes SELECT {insurer}, n - 10000 * {years}, {id}, {id}, 'new', '{{}}', '{at}'
                     FROM generate_series(1, 1200) n"
            ),
        )
        .await;
    }
    let said = installation.done(&["prune"]).await;
    assert!(
        said.contains("deleted 1200 lines of the audit trail, 1200 events and 1200 entries of rosters' journals"),
        "{said}"
    );
    let url = installation.owner_url();
    for left in [
        "audit_events WHERE action = 'test.line'",
        "audit_subjects WHERE true",
        "events WHERE kind = 'test'",
        "roster_changes WHERE position < 0",
    ] {
        let lines = lines_within(&url, Some(insurer), &format!("SELECT at::text AS line FROM {left}")).await;
        assert_eq!(lines.len(), 1200, "{left}");
    }
    let (done, said) = installation
        .run(&["prune"], &[("MADOGUCHI__RETENTION__AUDIT_DAYS", "365")])
        .await;
    assert!(!done && said.contains("retention.audit_days"), "{said}");
    // Nobody is forgotten while they may read their statements.
    let (done, said) = installation
        .run(&["prune"], &[("MADOGUCHI__RETENTION__PERSON_DAYS", "454")])
        .await;
    assert!(!done && said.contains("retention.person_days"), "{said}");
}

#[tokio::test]
async fn prune_makes_two_years_ahead_and_attaches_the_present_one() {
    let installation = Installation::ready().await;
    let url = installation.owner_url();
    let this = calendar::today_in_japan(chrono::Utc::now()).year();
    let lost = format!("DROP TABLE cost_rows_{}, medicine_rows_{this}", this + 2);
    execute(&url, &lost).await.unwrap();
    let done = format!(
        "cost_rows_{} made, medicine_rows_{this} made, medicine_rows_{this} attached",
        this + 2
    );
    let said = installation.done(&["prune"]).await;
    assert!(said.contains(&done), "{said}");
    let noted =
        "SELECT string_agg(year, ', ') AS line FROM audit_events, jsonb_array_elements_text(detail -> 'years') AS year
        WHERE action = 'database.prune'";
    assert_eq!(lines_within(&url, Some(TenantId::PLATFORM), noted).await, [done]);
    let ready = format!(
        "SELECT relname::text AS line FROM pg_class WHERE relispartition AND relname LIKE '%\\_rows\\_{this}'
         UNION ALL SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname LIKE '%\\_rows\\_{}' ORDER BY 1",
        this + 2
    );
    let expected = ["cost_rows", "medicine_rows"].map(|table| [this, this + 2].map(|year| format!("{table}_{year}")));
    assert_eq!(lines_within(&url, None, &ready).await, expected.concat());
    // Twice does nothing the second time, whichever command it is.
    let again = installation.done(&["prune"]).await;
    assert!(!again.contains("_rows_"), "{again}");
    let migrated = installation.done(&["migrate"]).await;
    assert!(!migrated.contains("_rows_"), "{migrated}");
}

#[tokio::test]
async fn migrate_keeps_years_too_and_says_so_behind_what_it_did() {
    let installation = Installation::ready().await;
    let url = installation.owner_url();
    let this = calendar::today_in_japan(chrono::Utc::now()).year();
    execute(&url, &format!("DROP TABLE cost_rows_{this}")).await.unwrap();
    let said = installation.done(&["migrate"]).await;
    let lines: Vec<&str> = said.lines().collect();
    let made = format!("cost_rows_{this} made");
    let attached = format!("cost_rows_{this} attached");
    assert!(
        matches!(lines[..], [count, first, second] if count.starts_with("0 migrations applied")
            && first == made && second == attached),
        "{said}"
    );
}

/// A member of the sample roster, who lost coverage so many days ago.
async fn former_member(installation: &Installation, days: i64) -> (Client, String) {
    let mut smtp = Smtp::start(&[]).await;
    let mut serve = installation.command(&["serve"]);
    serve.env("MADOGUCHI__MAIL__URL", &smtp.url);
    let node = Node::start(serve).await;
    let client = Client::new(&node.url, "192.0.2.1");
    client.send_form("/portal/signup", &identity()).await;
    let id = unique("user");
    let form = account(&id, &format!("{id}@example.jp"));
    client.send_form("/portal/signup/account", &form).await;
    let code = code_in(&smtp.next().await);
    let answer = client.post("/portal/signup/code", &[("code", &code)]).await;
    assert_eq!(answer.location(), "/portal/", "{}", answer.text);
    let lost = format!(
        "UPDATE persons SET lost_on = current_date - {days} WHERE person_id = (SELECT person_id FROM accounts)"
    );
    put(installation, installation.insurer().await, &lost).await;
    assert!(node.terminate().await);
    (client, id)
}

// security.md 58
#[tokio::test]
async fn who_lost_coverage_five_years_ago_is_emptied_and_the_user_id_is_free_a_year_later() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    let (_, id) = former_member(&installation, 1831).await;
    let notice = "INSERT INTO notices SELECT tenant_id, gen_random_uuid(), 'person', person_id, NULL, '健保さんへ', '本文', now(),
        NULL, now(), now() FROM accounts";
    put(&installation, insurer, notice).await;
    let consent = "INSERT INTO consents SELECT tenant_id, gen_random_uuid(), account_id, 0, 'service', 1, '', '', now(), 'portal',
        NULL FROM accounts";
    put(&installation, insurer, consent).await;
    let task = "INSERT INTO tasks SELECT tenant_id, gen_random_uuid(), person_id, NULL, 'test', account_id, 'test', true, NULL, NULL,
        '{}', now() FROM accounts";
    put(&installation, insurer, task).await;
    let emptied = "accounts WHERE emptied_at IS NOT NULL AND email = '' AND octet_length(password) = 0";
    let worker = Node::start(installation.command(&["work"])).await;
    installation.until(insurer, 1, emptied).await;
    assert!(worker.terminate().await);

    let url = installation.owner_url();
    let row = lines_within(
        &url,
        Some(insurer),
        "SELECT concat(p, n) AS line FROM persons p JOIN notices n USING (tenant_id, person_id)",
    )
    .await;
    assert_eq!(row.len(), 1);
    for private in ["コクホ", "国保", "2001", "1968", "健保", "本文", "本人"] {
        assert!(!row[0].contains(private), "{private}: {row:?}");
    }
    let rows = async |of: &str| {
        lines_within(&url, Some(insurer), &format!("SELECT '' AS line FROM {of}"))
            .await
            .len()
    };
    assert_eq!(rows("consents").await, 1, "consents stay");
    assert_eq!(rows("tasks").await, 0);
    assert_eq!(
        rows("audit_events WHERE action = 'person.forget' AND object_kind = 'person'").await,
        1
    );

    // Nobody logs in with it, and nobody gets it.
    let node = Node::start(installation.command(&["serve", "--no-worker"])).await;
    let client = Client::new(&node.url, "192.0.2.1");
    let known = client
        .post("/portal/", &[("user_id", &*id), ("password", PASSWORD)])
        .await;
    let unknown = client
        .post("/portal/", &[("user_id", "nobody-here"), ("password", PASSWORD)])
        .await;
    for refused in [known, unknown] {
        assert!(refused.location().starts_with("/portal/?again="), "{}", refused.text);
    }
    assert!(node.terminate().await);
    let taken = format!("login_names WHERE tenant_id = {insurer}");
    assert_eq!(rows(&taken).await, 1);

    put(
        &installation,
        insurer,
        "UPDATE accounts SET emptied_at = emptied_at - interval '366 days'",
    )
    .await;
    let worker = Node::start(installation.command(&["work"])).await;
    installation.until(insurer, 1, "accounts WHERE user_id = ''").await;
    assert!(worker.terminate().await);
    assert_eq!(rows(&taken).await, 0);
}

#[tokio::test]
async fn an_import_takes_nobody_in_who_would_be_forgotten_at_once_and_says_so() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    let sample = std::fs::read_to_string(testkit::tenants().join("139998/sample-roster.csv")).unwrap();
    let former = |number: u32, days: i64| {
        let lost = (chrono::Utc::now() - chrono::TimeDelta::days(days)).format("%Y/%m/%d");
        format!("10,{number},01,世帯主,組合員,昔野　人,ムカシノ　ヒト,1,1950/01/01,1980/01/01,{lost},,,,,,,,,,\r\n")
    };
    let import = ["roster", "import", "139998", "roster.csv", "--allow-loss"];
    let write = |rows: &str| {
        let file = format!("{rows}{}{}", former(9001, 1840), former(9002, 1820));
        std::fs::write(installation.folder.path().join("roster.csv"), file).unwrap();
    };
    // Who is in the roster is not lost so long ago.
    write(&sample.replacen("1995/04/01,,", "1995/04/01,2001/01/01,", 1));
    let (done, said) = installation.run(&import, &[]).await;
    assert!(!done && said.contains("すぐに消えてしまいます"), "{said}");
    // Of two who are not in it one lost coverage too long ago.
    write(&sample);
    let told = "coverage was lost too long ago to be kept: 1";
    for expected in [
        "new 1, changed 0, returned 0, lost 0,",
        "new 0, changed 0, returned 0, lost 0,",
    ] {
        let said = installation.done(&import).await;
        assert!(said.contains(told) && said.contains(expected), "{said}");
    }
    let kept = lines_within(
        &installation.owner_url(),
        Some(insurer),
        "SELECT number AS line FROM persons WHERE number LIKE '900%'",
    )
    .await;
    assert_eq!(kept, ["9002"]);
    // By its own settings the service forgets later, and the import takes in whom it would keep.
    let (done, said) = installation
        .run(&import, &[("MADOGUCHI__RETENTION__PERSON_DAYS", "1900")])
        .await;
    assert!(done && said.contains("new 1,") && !said.contains(told), "{said}");
    // A person who was forgotten is not known again by the file that still lists them.
    let worker = Node::start(installation.command(&["work"])).await;
    installation
        .until(insurer, 1, "persons WHERE emptied_at IS NOT NULL")
        .await;
    assert!(worker.terminate().await);
    let said = installation.done(&import).await;
    assert!(said.contains(told) && said.contains("new 0, changed 0,"), "{said}");
}

#[tokio::test]
async fn who_lost_coverage_less_than_five_years_ago_is_kept() {
    let installation = Installation::ready().await;
    let insurer = installation.insurer().await;
    former_member(&installation, 1829).await;
    for tenant in [insurer, TenantId::PLATFORM] {
        put(&installation, tenant, &dead_job(tenant, 1)).await;
    }
    let worker = Node::start(installation.command(&["work"])).await;
    // The sweep has been there.
    installation.until(insurer, 0, "jobs").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    installation
        .until(insurer, 0, "persons WHERE emptied_at IS NOT NULL")
        .await;
    installation
        .until(insurer, 1, "accounts WHERE emptied_at IS NULL AND email <> ''")
        .await;
    assert!(worker.terminate().await);
}
