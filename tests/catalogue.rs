//! The catalogue and the source held against the rules of design.md §3: a table, index or grant that breaks one fails here,
//! whoever adds it. Reads the real catalogue, not the migrations' text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use testkit::{TestDatabase, admin_url, execute_within, lines, owner_url, service_url, url_of};
use url::Url;

/// Everything but the migrations' own bookkeeping.
const TABLES: &str = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> '__diesel_schema_migrations'";
/// The same, tenant tables only.
const TENANT_TABLES: &str = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND obj_description(c.oid) LIKE 'tenant;%'";

/// Asks the migrated database as the superuser, before whom nothing is hidden.
async fn ask(query: &str) -> Vec<String> {
    drop(TestDatabase::new().await);
    let database = Url::parse(&owner_url()).unwrap().path().to_owned();
    lines(&url_of(&admin_url(), &database), query).await
}

async fn none(query: &str) {
    let offenders = ask(query).await;
    assert!(offenders.is_empty(), "{offenders:?}");
}

/// Of each table its kind, crate and grants, as its comment says; a directory table's says where in a cluster it lies, too.
async fn comments() -> BTreeMap<String, [String; 3]> {
    let rows = ask(&format!(
        "SELECT c.relname || '|' || coalesce(obj_description(c.oid), '') AS line {TABLES}"
    ))
    .await;
    let read = |row: String| {
        let (table, comment) = row.split_once('|').unwrap();
        let parts: Vec<&str> = comment.split("; ").collect();
        let ([kind, owner, grants] | [kind @ "directory", owner, grants, _]) = parts[..] else {
            panic!("{table} needs a comment of kind, crate and grants: {comment:?}")
        };
        assert_eq!(kind == "directory", comment.contains("; cluster "), "{table}");
        let owner = owner.strip_prefix("crate ").unwrap();
        let grants = grants.strip_prefix("grants ").unwrap();
        (table.to_owned(), [kind.to_owned(), owner.to_owned(), grants.to_owned()])
    };
    rows.into_iter().map(read).collect()
}

#[tokio::test]
async fn every_table_names_its_kind_crate_and_grants() {
    for (table, [kind, owner, grants]) in comments().await {
        assert!(
            ["tenant", "directory", "reference"].contains(&kind.as_str()),
            "{table}: {kind}"
        );
        assert!(root().join("crates").join(&owner).is_dir(), "{table}: no crate {owner}");
        for grant in grants.split(", ") {
            let known = ["select", "insert", "update", "delete"].contains(&grant) || grants == "none";
            assert!(known, "{table}: {grant}");
        }
    }
}

#[tokio::test]
async fn directory_tables_are_the_few_that_are_read_before_a_tenant_is_known() {
    let tables = comments().await.into_iter();
    let directory: Vec<String> = tables
        .filter(|(_, [kind, ..])| kind == "directory")
        .map(|(table, _)| table)
        .collect();
    assert_eq!(
        directory,
        [
            "due",
            "insurers",
            "login_names",
            "maintenances",
            "nodes",
            "support_open"
        ]
    );
}

/// What is public and the same for all insurers: nobody's rows, and nothing that is ever changed.
#[tokio::test]
async fn reference_tables_are_nobodys_and_only_added_to() {
    let tables = comments().await.into_iter();
    let reference: Vec<(String, String)> = tables
        .filter(|(_, [kind, ..])| kind == "reference")
        .map(|(table, [_, _, grants])| (table, grants))
        .collect();
    assert_eq!(reference, [("drugs".to_owned(), "select, insert".to_owned())]);
    let kind = "obj_description(c.oid) LIKE 'reference;%'";
    none(&format!(
        "SELECT c.relname::text AS line {TABLES} AND {kind} AND (c.relrowsecurity OR EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'))"
    ))
    .await;
    let test = TestDatabase::new().await;
    for change in [
        "UPDATE drugs SET version = version",
        "DELETE FROM drugs",
        "TRUNCATE drugs",
    ] {
        let refused = execute_within(&service_url(), Some(test.tenant), change)
            .await
            .unwrap_err();
        assert!(refused.contains("permission denied"), "{change}: {refused}");
    }
}

// security.md 51
#[tokio::test]
async fn every_tenant_table_has_row_level_security_forced_by_the_one_policy() {
    none(&format!(
        "SELECT c.relname::text AS line {TENANT_TABLES} AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    ))
    .await;
    // One policy, for all commands and everybody, with the same expression for reading and writing.
    none(&format!(
        "SELECT c.relname::text AS line {TENANT_TABLES} AND 1 <> (
            SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd = '*'
            AND p.polroles = '{{0}}' AND pg_get_expr(p.polqual, c.oid) = pg_get_expr(p.polwithcheck, c.oid)
            AND pg_get_expr(p.polqual, c.oid) LIKE '(tenant_id = (NULLIF(current_setting(''madoguchi.tenant_id''%')"
    ))
    .await;
    none(&format!(
        "SELECT c.relname::text AS line {TENANT_TABLES} AND 1 <> (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)"
    ))
    .await;
}

#[tokio::test]
async fn tenant_id_comes_first_in_every_key_index_and_foreign_key() {
    none(&format!(
        "SELECT c.relname::text AS line {TENANT_TABLES} AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)"
    ))
    .await;
    none(&format!(
        "SELECT c.relname || ': ' || i.indexrelid::regclass AS line {}
         AND (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0])
             IS DISTINCT FROM 'tenant_id'",
        TENANT_TABLES.replace("WHERE", "JOIN pg_index i ON i.indrelid = c.oid WHERE")
    ))
    .await;
    none(&format!(
        "SELECT c.relname || ': ' || f.conname AS line {} AND f.contype = 'f' AND NOT (
            'tenant_id' = (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = f.conrelid AND a.attnum = f.conkey[1])
            AND 'tenant_id' = (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = f.confrelid AND a.attnum = f.confkey[1]))",
        TENANT_TABLES.replace("WHERE", "JOIN pg_constraint f ON f.conrelid = c.oid WHERE")
    ))
    .await;
}

#[tokio::test]
async fn every_tenant_table_names_its_tenant_in_an_integer_that_is_never_null() {
    none(&format!(
        "SELECT c.relname::text AS line {TENANT_TABLES} AND NOT EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
            AND a.attnotnull AND a.atttypid = 'int'::regtype)"
    ))
    .await;
}

#[tokio::test]
async fn times_are_timestamptz_and_no_column_makes_its_own() {
    none(
        "SELECT table_name || '.' || column_name AS line FROM information_schema.columns WHERE table_schema = 'public'
         AND table_name <> '__diesel_schema_migrations' AND (data_type LIKE 'timestamp without%' OR column_default ~* '[(]|current_|local')",
    )
    .await;
    none(
        "SELECT tgrelid::regclass::text AS line FROM pg_trigger WHERE NOT tgisinternal
         UNION ALL SELECT relname::text FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
    )
    .await;
}

fn service_role() -> String {
    Url::parse(&service_url()).unwrap().username().to_owned()
}

#[tokio::test]
async fn the_services_role_owns_nothing_and_cannot_pass_by_row_level_security() {
    let role = service_role();
    none(&format!(
        "SELECT rolname::text AS line FROM pg_roles WHERE rolname = '{role}'
         AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication)"
    ))
    .await;
    none(&format!(
        "SELECT relname::text AS line FROM pg_class WHERE relowner = '{role}'::regrole
         UNION ALL SELECT datname::text FROM pg_database WHERE datdba = '{role}'::regrole
         UNION ALL SELECT proname::text FROM pg_proc WHERE proowner = '{role}'::regrole
         UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspowner = '{role}'::regrole"
    ))
    .await;
    none(&format!(
        "SELECT roleid::regrole::text AS line FROM pg_auth_members WHERE member = '{role}'::regrole"
    ))
    .await;
    let owner = Url::parse(&owner_url()).unwrap().username().to_owned();
    none(&format!(
        "SELECT rolname::text AS line FROM pg_roles WHERE rolname = '{owner}' AND (rolsuper OR rolbypassrls)"
    ))
    .await;
}

#[tokio::test]
async fn the_services_role_has_exactly_the_grants_that_each_comment_names() {
    let role = service_role();
    let granted = ask(&format!(
        "SELECT table_name || '|' || lower(privilege_type) AS line FROM information_schema.role_table_grants
         WHERE grantee IN ('{role}', 'PUBLIC') AND table_schema = 'public'"
    ))
    .await;
    let mut expected = BTreeSet::from(["__diesel_schema_migrations|select".to_owned()]);
    for (table, [_, _, grants]) in comments().await {
        let grants = grants.split(", ").filter(|grant| *grant != "none");
        expected.extend(grants.map(|grant| format!("{table}|{grant}")));
    }
    assert_eq!(granted.into_iter().collect::<BTreeSet<_>>(), expected);
    none(&format!(
        "SELECT attrelid::regclass || '.' || attname AS line FROM pg_attribute WHERE attacl::text LIKE '%{role}=%'"
    ))
    .await;
}

// security.md 51
#[tokio::test]
async fn every_year_of_a_table_that_lies_by_years_is_a_tenant_table_of_its_own_that_nobody_is_granted() {
    let comments = comments().await;
    let wholes = ask("SELECT relname::text AS line FROM pg_class WHERE relkind = 'p' ORDER BY 1").await;
    assert_eq!(wholes, ["cost_rows", "medicine_rows"]);
    for whole in &wholes {
        let [kind, owner, _] = &comments[whole];
        assert_eq!(kind, "tenant", "{whole}");
        let of_whole = |table: &&String| {
            let year = table
                .strip_prefix(whole.as_str())
                .and_then(|rest| rest.strip_prefix('_'));
            year.is_some_and(|year| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let years: Vec<&String> = comments.keys().filter(of_whole).collect();
        assert!(years.len() >= 6, "{years:?}");
        for year in &years {
            let expected = ["tenant", owner.as_str(), "none"].map(str::to_owned);
            assert_eq!(comments[*year], expected, "{year}");
        }
        let attached = ask(&format!(
            "SELECT part.relname::text AS line FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid
             WHERE i.inhparent = '{whole}'::regclass ORDER BY 1"
        ))
        .await;
        // A statement locks all of them.
        assert!(
            attached.len() <= 4 && attached.iter().all(|year| years.contains(&year)),
            "{attached:?}"
        );
    }
    // Each has the keys and rules of its whole, attached or not.
    none(
        "WITH rules AS (
             SELECT c.conrelid AS table_id, pg_get_constraintdef(c.oid) AS rule FROM pg_constraint c
             UNION ALL
             SELECT i.indrelid, regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') FROM pg_index i),
         wholes AS (SELECT oid, relname FROM pg_class WHERE relkind = 'p')
         SELECT part.relname || ': ' || rule AS line FROM wholes JOIN pg_class part
             ON part.relname ~ ('^' || wholes.relname || '_[0-9]{4}$') AND part.relkind = 'r'
         JOIN rules ON rules.table_id = wholes.oid
         WHERE NOT EXISTS (SELECT FROM rules own WHERE own.table_id = part.oid AND own.rule = rules.rule)",
    )
    .await;
}

#[tokio::test]
async fn what_is_granted_to_nobody_is_no_grant() {
    let role = service_role();
    for (table, [_, _, grants]) in comments().await {
        let query = format!("SELECT has_table_privilege('{role}', '{table}', 'SELECT')::text AS line");
        let readable = lines(&owner_url(), &query).await;
        assert_eq!(readable, [(grants != "none").to_string()], "{table}");
    }
}

#[tokio::test]
async fn what_is_only_ever_added_to_cannot_be_changed_by_the_service() {
    let test = TestDatabase::new().await;
    for table in [
        "consents",
        "audit_events",
        "audit_seals",
        "audit_segments",
        "audit_subjects",
        "terms_documents",
        "insurer_revisions",
        "events",
    ] {
        for change in [
            format!("UPDATE {table} SET tenant_id = tenant_id"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
        ] {
            let refused = execute_within(&service_url(), Some(test.tenant), &change)
                .await
                .unwrap_err();
            assert!(refused.contains("permission denied"), "{change}: {refused}");
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file below a folder whose name ends so, with its text.
fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// Time is a parameter (design.md §4), but for leases, which go by the database's clock. Of Rust's calls only those on a
/// clock are told apart from SQL's.
#[test]
fn no_sql_asks_the_database_what_time_it_is() {
    let mut sources = files(&root().join("migrations"), ".sql");
    for entry in fs::read_dir(root().join("crates")).unwrap().flatten() {
        sources.extend(files(&entry.path().join("src"), ".rs"));
    }
    assert!(sources.len() > 50);
    for (path, text) in sources {
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") || code.starts_with("--") {
                continue;
            }
            let lower = code.to_lowercase();
            let asked = [
                "current_timestamp",
                "clock_timestamp",
                "transaction_timestamp",
                "statement_timestamp",
                "localtimestamp",
                "current_date",
            ];
            let bare = lower.match_indices("now()").any(|(at, _)| {
                let before = lower[..at].chars().next_back().unwrap_or(' ');
                !(before == '.' || before == ':' || before == '_' || before.is_alphanumeric()) && is_sql(&path, &lower)
            });
            assert!(
                !bare
                    && (["leased_until", "as shared"].iter().any(|kept| lower.contains(kept))
                        || !asked.iter().any(|word| lower.contains(word))),
                "{}:{}: {code}",
                path.display(),
                number + 1
            );
        }
    }
}

/// Of a Rust line only one with a word of SQL beside it: `now()` may be a helper of a test.
fn is_sql(path: &Path, lower: &str) -> bool {
    let words = [
        "select", "insert", "update", "delete", "default", "where", "interval", "set ",
    ];
    path.extension().is_some_and(|ending| ending == "sql") || words.iter().any(|word| lower.contains(word))
}

#[tokio::test]
async fn every_table_is_declared_in_its_own_crate_and_nowhere_else() {
    let comments = comments().await;
    let mut declared = BTreeMap::new();
    for entry in fs::read_dir(root().join("crates")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        for (path, text) in files(&entry.path().join("src"), ".rs") {
            for table in tables_in(&text) {
                let [_, owner, _] = comments
                    .get(&table)
                    .unwrap_or_else(|| panic!("{}: no table {table}", path.display()));
                assert_eq!(owner, &name, "{}: {table} is another crate's", path.display());
                let before = declared.insert(table.clone(), path.clone());
                assert!(
                    before.is_none(),
                    "{table} is declared in {before:?} and {}",
                    path.display()
                );
            }
        }
    }
    assert!(declared.len() > 15, "{declared:?}");
}

/// Statements that read another crate's table are those that design.md §1 lists with their reason.
#[tokio::test]
async fn no_crate_reads_anothers_tables_but_where_the_design_says_why() {
    let comments = comments().await;
    let mut read = BTreeSet::new();
    for entry in fs::read_dir(root().join("crates")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        // They judge, or fill, everybody's tables.
        if ["bench", "sql_rules", "testkit"].contains(&name.as_str()) {
            continue;
        }
        for (_, text) in files(&entry.path().join("src"), ".rs") {
            let words: Vec<&str> = text.split_whitespace().collect();
            for (verb, object) in words.iter().zip(words.iter().skip(1)) {
                let table = object.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let theirs = comments.get(table).is_some_and(|[_, owner, _]| *owner != name);
                if theirs && ["FROM", "JOIN", "INTO", "UPDATE"].contains(verb) {
                    read.insert((name.clone(), table.to_owned()));
                }
            }
        }
    }
    let design = fs::read_to_string(root().join("crates/handbook/design.md")).unwrap();
    let listed: BTreeSet<(String, String)> = design
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('`');
            Some((cells.next()?.to_owned(), cells.nth(1)?.to_owned()))
        })
        .collect();
    assert_eq!(read, listed);
}

/// The names behind `table! {`, several to a block where they are.
fn tables_in(text: &str) -> Vec<String> {
    let mut tables = Vec::new();
    for block in text.split("table! {").skip(1) {
        let head = block.split('{').next().unwrap_or_default();
        let head = head
            .lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty() && !line.starts_with("//"));
        let name = head.unwrap_or_default().split([' ', '(']).next().unwrap_or_default();
        tables.push(name.to_owned());
    }
    tables
}
