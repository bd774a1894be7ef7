use super::*;
use std::fs;
use std::path::Path;

const THIS: Release = Release([0, 3, 0]);
/// Migrations up to this name were made before anything had shipped.
const LINE: &str = "2026-11-26-0009";

fn refused(sql: &str) -> Vec<String> {
    judge(sql, THIS)
}

fn fine(sql: &str) {
    assert_eq!(refused(sql), Vec::<String>::new(), "{sql}");
}

#[test]
fn every_migration_can_be_borne_by_a_running_older_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let this = Release::parse(env!("CARGO_PKG_VERSION")).unwrap();
    let mut migrations = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let sql = fs::read_to_string(folder.join("up.sql")).unwrap();
        migrations += 1;
        if name > LINE {
            let complaints = judge(&sql, this);
            assert!(complaints.is_empty(), "{name}/up.sql: {complaints:#?}");
        }
    }
    assert!(migrations > 10);
}

#[test]
fn what_only_adds_is_fine() {
    for sql in [
        "CREATE TABLE pets (tenant_id int NOT NULL, pet_id uuid NOT NULL, PRIMARY KEY (tenant_id, pet_id));
         ALTER TABLE pets ADD CONSTRAINT named CHECK (true), ALTER COLUMN pet_id SET NOT NULL;
         CREATE UNIQUE INDEX pets_once ON pets (tenant_id, pet_id);
         SELECT tenant_table('pets', 'roster', 'select, insert');
         COMMENT ON TABLE pets IS 'mine';
         DROP TABLE pets",
        "CREATE FUNCTION made(year int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
           EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', 'x', 'y'); END $$;
         CREATE TABLE bills (tenant_id int NOT NULL, month date NOT NULL, PRIMARY KEY (tenant_id, month)) PARTITION BY RANGE (month);
         CREATE INDEX bills_by_month ON bills (tenant_id, month) WHERE month > '2026-01-01';
         SELECT tenant_table('bills', 'statements', 'select, insert, update, delete');
         SELECT tenant_year('bills', 'statements', year) FROM generate_series(2023, 2028) AS year",
        "ALTER TABLE persons ADD COLUMN nickname text",
        "alter table if exists only public.persons add nickname text null",
        "ALTER TABLE persons ADD COLUMN IF NOT EXISTS tries int NOT NULL DEFAULT 0",
        "ALTER TABLE persons ADD COLUMN tries int DEFAULT 0 NOT NULL CHECK (tries >= 0)",
        "ALTER TABLE persons ADD COLUMN kind text CHECK (kind IN ('a', 'b') AND octet_length(kind) < 9::int)",
        "ALTER TABLE persons ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE persons ADD COLUMN both text GENERATED ALWAYS AS (name || kana) STORED NOT NULL",
        "ALTER TABLE persons ALTER tries SET DEFAULT 0, ALTER COLUMN name SET STATISTICS 500, SET (fillfactor = 85)",
        "ALTER TABLE persons ALTER name SET (n_distinct = 5), ALTER name RESET (n_distinct)",
        "ALTER TABLE persons VALIDATE CONSTRAINT named, SET LOGGED, DROP CONSTRAINT IF EXISTS persons_gender_check",
        "CREATE INDEX persons_by_name ON persons (tenant_id, name)",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS persons_by_name ON persons (tenant_id, name)",
        "ALTER INDEX persons_by_name RENAME TO persons_named",
        "ALTER TYPE mood ADD VALUE 'glad'",
        "CREATE OR REPLACE FUNCTION helper() RETURNS void LANGUAGE sql AS 'DROP TABLE persons'",
        "UPDATE persons SET name = 'ALTER TABLE persons DROP COLUMN name'",
        "-- DROP TABLE persons\n/* ALTER TABLE persons DROP COLUMN name; */ SELECT 1",
        "GRANT SELECT ON persons TO somebody",
        "COMMENT ON COLUMN persons.name IS 'as written'",
        "",
    ] {
        fine(sql);
    }
}

#[test]
fn what_older_inserts_and_reads_break_on_is_named() {
    for (sql, complaint) in [
        (
            "ALTER TABLE due ADD COLUMN since timestamptz NOT NULL",
            "ALTER TABLE due ADD COLUMN since NOT NULL without DEFAULT",
        ),
        (
            "alter table \"due\" add \"Since\" timestamptz not\n  null",
            "ALTER TABLE due ADD COLUMN Since NOT NULL without DEFAULT",
        ),
        (
            "ALTER TABLE due ADD since int DEFAULT NULL NOT NULL",
            "ALTER TABLE due ADD COLUMN since NOT NULL without DEFAULT",
        ),
        (
            "ALTER TABLE due ADD since int NOT NULL -- DEFAULT 0",
            "ALTER TABLE due ADD COLUMN since NOT NULL without DEFAULT",
        ),
        (
            "ALTER TABLE due ADD since int DEFAULT 0 UNIQUE",
            "ALTER TABLE due ADD COLUMN since with a key of its own",
        ),
        (
            "ALTER TABLE due ADD since int PRIMARY KEY",
            "ALTER TABLE due ADD COLUMN since with a key of its own",
        ),
        (
            "ALTER TABLE due ADD since int CHECK (since IS NOT NULL)",
            "ALTER TABLE due ADD COLUMN since with a CHECK that may refuse a row without it",
        ),
        (
            "ALTER TABLE due ADD since int CHECK (since > 0 AND item > 0)",
            "ALTER TABLE due ADD COLUMN since with a CHECK that may refuse a row without it",
        ),
        (
            "ALTER TABLE due ADD since int CHECK (coalesce(since, 0) > 0)",
            "ALTER TABLE due ADD COLUMN since with a CHECK that may refuse a row without it",
        ),
        (
            "ALTER TABLE due ALTER COLUMN since SET NOT NULL",
            "ALTER TABLE due ALTER COLUMN since SET NOT NULL",
        ),
        (
            "ALTER TABLE due ALTER since DROP NOT NULL",
            "ALTER TABLE due ALTER COLUMN since DROP NOT NULL",
        ),
        (
            "ALTER TABLE due ALTER since DROP DEFAULT",
            "ALTER TABLE due ALTER COLUMN since DROP DEFAULT",
        ),
        (
            "ALTER TABLE due ALTER since ADD GENERATED ALWAYS AS IDENTITY",
            "ALTER TABLE due ALTER COLUMN since ADD GENERATED",
        ),
        (
            "ALTER TABLE due ALTER COLUMN since TYPE bytea USING ''::bytea",
            "ALTER TABLE due ALTER COLUMN since TYPE",
        ),
        (
            "ALTER TABLE due ALTER since SET DATA TYPE bigint",
            "ALTER TABLE due ALTER COLUMN since SET DATA",
        ),
        (
            "ALTER TABLE due DROP COLUMN IF EXISTS since CASCADE",
            "ALTER TABLE due DROP COLUMN since",
        ),
        ("ALTER TABLE due DROP since", "ALTER TABLE due DROP COLUMN since"),
        (
            "ALTER TABLE due DROP CONSTRAINT due_pkey",
            "ALTER TABLE due DROP CONSTRAINT due_pkey",
        ),
        (
            "ALTER TABLE due ADD CONSTRAINT small CHECK (n < 5) NOT VALID",
            "ALTER TABLE due ADD CONSTRAINT small",
        ),
        (
            "ALTER TABLE due ADD FOREIGN KEY (a) REFERENCES b (a)",
            "ALTER TABLE due ADD FOREIGN",
        ),
        ("ALTER TABLE due ADD UNIQUE (a)", "ALTER TABLE due ADD UNIQUE"),
        (
            "ALTER TABLE due DETACH PARTITION due_2023",
            "ALTER TABLE due DETACH PARTITION",
        ),
        ("ALTER TABLE due ADD CHECK (a > 0)", "ALTER TABLE due ADD CHECK"),
        ("ALTER TABLE due RENAME COLUMN a TO b", "ALTER TABLE due RENAME COLUMN"),
        ("ALTER TABLE due RENAME TO done", "ALTER TABLE due RENAME TO"),
        ("ALTER TABLE due SET SCHEMA other", "ALTER TABLE due SET SCHEMA"),
        (
            "ALTER TABLE due ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE due ENABLE ROW",
        ),
        (
            "ALTER TABLE due ATTACH PARTITION x DEFAULT",
            "ALTER TABLE due ATTACH PARTITION",
        ),
        ("ALTER DOMAIN money ADD CHECK (VALUE > 0)", "ALTER DOMAIN"),
        ("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", "ALTER TYPE"),
        (
            "CREATE UNIQUE INDEX once ON due (item)",
            "CREATE UNIQUE INDEX on due, which is there already",
        ),
        (
            "create unique index concurrently once on only public.\"due\" (item)",
            "CREATE UNIQUE INDEX on due, which is there already",
        ),
        (
            "CREATE POLICY more ON due AS RESTRICTIVE USING (false)",
            "CREATE POLICY on due, which is there already",
        ),
        (
            "CREATE TRIGGER no BEFORE INSERT ON due EXECUTE FUNCTION no()",
            "CREATE TRIGGER on due, which is there already",
        ),
        ("DROP TABLE due", "DROP TABLE"),
        ("DROP INDEX due_by_age", "DROP INDEX"),
        ("DROP POLICY tenant ON persons", "DROP POLICY"),
        ("DROP FUNCTION tenant_table(text, text, text)", "DROP FUNCTION"),
        ("REVOKE UPDATE ON persons FROM somebody", "REVOKE"),
        ("TRUNCATE due", "TRUNCATE"),
        (
            "ALTER TABLE due ADD owner int DEFAULT 5 REFERENCES owners (id)",
            "ALTER TABLE due ADD COLUMN owner whose default must be in another table",
        ),
        (
            "DO $$ BEGIN EXECUTE format('ALTER TABLE %I DROP a', 'due'); END $$",
            "ALTER TABLE of a table that can't be read",
        ),
        (
            "COMMENT ON TABLE due IS 'directory'",
            "COMMENT ON TABLE due, which may take grants away",
        ),
        (
            "DO $$ BEGIN IF true THEN ALTER TABLE due DROP a; END IF; END $$",
            "ALTER TABLE due DROP COLUMN a",
        ),
        ("DO $do$ BEGIN EXECUTE 'DROP TABLE due'; END $do$", "DROP TABLE"),
        (
            "DO $$ BEGIN EXECUTE format('ALTER TABLE due DROP %I', 'a'); END $$",
            "ALTER TABLE due DROP COLUMN ",
        ),
    ] {
        assert_eq!(refused(sql), [complaint], "{sql}");
    }
}

#[test]
fn what_a_block_puts_together_of_pieces_is_refused() {
    let pieces = "DO $$ BEGIN EXECUTE 'ALTER TABLE ' || name || ' ADD a int'; END $$";
    assert_eq!(refused(pieces), ["ALTER TABLE of a table that can't be read"]);
}

#[test]
fn several_clauses_and_statements_are_judged_each() {
    assert_eq!(
        refused(
            "ALTER TABLE due
                 ADD COLUMN a int,              -- fine
                 ADD COLUMN b numeric(5, 2) NOT NULL,
                 DROP COLUMN c;
             CREATE TABLE other (a int);
             DROP TABLE due"
        ),
        [
            "ALTER TABLE due ADD COLUMN b NOT NULL without DEFAULT",
            "ALTER TABLE due DROP COLUMN c",
            "DROP TABLE",
        ]
    );
}

#[test]
fn what_contracts_names_a_release_before_this_one_at_the_statement() {
    fine("-- contracts: stopped being used in 0.2.0\nALTER TABLE due DROP COLUMN since;");
    fine("ALTER TABLE due DROP a, -- contracts: stopped being used in 0.2.9.\n DROP b");
    fine("DO $$ BEGIN\n-- contracts: stopped being used in 0.2.0\nALTER TABLE due DROP a; END $$");
    // Of another statement.
    assert_eq!(
        refused("-- contracts: stopped being used in 0.2.0\nALTER TABLE due DROP a; ALTER TABLE due DROP b"),
        ["ALTER TABLE due DROP COLUMN b"]
    );
    for release in ["0.3.0", "0.10.0", "1", "soon"] {
        let sql = format!("-- contracts: stopped being used in {release}\nDROP TABLE due");
        assert_eq!(refused(&sql).len(), 2, "{sql}: {:?}", refused(&sql));
    }
    assert_eq!(refused("-- contracts: nobody uses it\nDROP TABLE due"), ["DROP TABLE"]);
    assert_eq!(
        refused("SELECT '-- contracts: stopped being used in 0.2.0'; DROP TABLE due"),
        ["DROP TABLE"]
    );
}

#[test]
fn what_loosens_says_so() {
    let check =
        "ALTER TABLE due DROP CONSTRAINT due_kind_check, ADD CONSTRAINT due_kind_check CHECK (kind IN ('a', 'b'))";
    assert_eq!(refused(check), ["ALTER TABLE due ADD CONSTRAINT due_kind_check"]);
    fine(&format!("-- widens: kind may be 'b'\n{check}"));
    fine(
        "-- widens: the service may update it too\nCOMMENT ON TABLE due IS 'directory; crate jobs; grants select, update'",
    );
    // Nothing else is excused by it.
    assert_eq!(
        refused("-- widens: no\nALTER TABLE due ADD CONSTRAINT more CHECK (a > 0)").len(),
        1
    );
    assert_eq!(refused("-- widens: no\nALTER TABLE due DROP a").len(), 1);
    assert_eq!(refused(&format!("-- widens:\n{check}")).len(), 1);
}

#[test]
fn a_check_that_every_release_keeps_says_so_and_reads_nothing() {
    let check = "ALTER TABLE due ADD CONSTRAINT due_rank_check CHECK (rank >= 0)";
    fine(&format!("-- holds: ranks are counted from 0\n{check} NOT VALID"));
    for wrong in [
        format!("{check} NOT VALID"),
        format!("-- holds:\n{check} NOT VALID"),
        format!("-- widens: no\n{check} NOT VALID"),
        // It would be read while everybody waits.
        format!("-- holds: ranks are counted from 0\n{check}"),
        "-- holds: no\nALTER TABLE due ADD CONSTRAINT due_whose_fk FOREIGN KEY (a) REFERENCES b (a) NOT VALID"
            .to_owned(),
        "-- holds: no\nALTER TABLE due DROP a".to_owned(),
    ] {
        assert_eq!(refused(&wrong).len(), 1, "{wrong}");
    }
}

#[test]
fn a_set_local_stands_in_a_block_of_its_own() {
    assert_eq!(
        refused("SET LOCAL madoguchi.tenant_id = '1'; UPDATE persons SET name = ''").len(),
        1
    );
    fine("DO $$ BEGIN EXECUTE 'SET LOCAL madoguchi.tenant_id = 1'; UPDATE persons SET name = ''; END $$");
}

#[test]
fn releases_are_compared_by_number() {
    assert!(Release::parse("0.9.0") < Release::parse("0.10.0"));
    for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "v1.2.3"] {
        assert_eq!(Release::parse(text), None, "{text}");
    }
}
