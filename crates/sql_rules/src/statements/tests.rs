use super::*;

fn tables() -> Tables {
    let mut tables = Tables::default();
    for table in ["persons", "staging", "matches", "heads", "mails"] {
        tables.add(table, "tenant; crate roster; grants select", None);
    }
    tables.add(
        "names",
        "directory; crate accounts; grants select; cluster by key",
        Some("hash"),
    );
    tables.add(
        "due",
        "directory; crate jobs; grants select; cluster on the coordinator",
        None,
    );
    tables
}

fn faults(sql: &str) -> Vec<String> {
    judge(sql, &tables()).iter().map(ToString::to_string).collect()
}

fn fine(sql: &str) {
    assert_eq!(faults(sql), Vec::<String>::new(), "{sql}");
}

#[test]
fn a_statement_on_a_tenant_table_names_its_tenant() {
    for sql in [
        "SELECT name FROM persons WHERE tenant_id = $1",
        r#"SELECT "persons"."name" FROM "persons" WHERE (("persons"."tenant_id" = $1) AND ("persons"."number" = $2)) LIMIT $3"#,
        "SELECT FROM public.persons WHERE $1 = persons.tenant_id",
        "SELECT FROM persons AS p WHERE p.tenant_id = $1::int AND p.name <> ''",
        "UPDATE persons SET name = $2 WHERE tenant_id = $1",
        r#"UPDATE "persons" SET "name" = $1 WHERE ("persons"."tenant_id" = $2)"#,
        "DELETE FROM mails WHERE tenant_id = $1 AND at < $2 RETURNING mail_id",
        "SELECT FROM mails WHERE tenant_id = $1 FOR UPDATE SKIP LOCKED",
        "SELECT FROM due WHERE queue = $1",
    ] {
        fine(sql);
    }
    for sql in [
        "SELECT name FROM persons",
        "SELECT name FROM persons WHERE number = $1",
        "SELECT name FROM persons WHERE tenant_id > $1",
        "SELECT name FROM persons WHERE tenant_id = tenant_id",
        "SELECT name FROM persons WHERE tenant_id = (SELECT max(tenant_id) FROM insurers)",
        "SELECT name FROM persons WHERE other.tenant_id = $1",
        "SELECT name FROM persons WHERE NOT (tenant_id = $1)",
        "SELECT name FROM persons WHERE tenant_id = $1 OR name = $2",
        "SELECT name FROM persons WHERE CASE WHEN $1 THEN true AND tenant_id = $1 AND true END",
        "SELECT name FROM persons /* WHERE tenant_id = $1 */",
        "SELECT 'WHERE tenant_id = $1' FROM persons",
        "UPDATE persons SET tenant_id = $1",
        "DELETE FROM persons",
        "SELECT 1; DELETE FROM persons",
        "SELECT FROM PERSONS",
    ] {
        assert_eq!(faults(sql), ["persons without tenant_id = $n"], "{sql}");
    }
}

#[test]
fn an_or_counts_where_every_case_names_the_tenant() {
    fine("SELECT FROM persons WHERE (tenant_id = $1 AND name = $2) OR (number = $3 AND tenant_id = $1)");
    fine("SELECT FROM persons WHERE tenant_id = $1 AND (name = $2 OR number = $3)");
    assert!(!faults("SELECT FROM persons WHERE (tenant_id = $1 AND name = $2) OR number = $3").is_empty());
}

#[test]
fn every_table_of_a_join_names_it_or_is_joined_by_it() {
    for sql in [
        "SELECT FROM persons p, mails m WHERE p.tenant_id = $1 AND m.tenant_id = $1",
        "SELECT FROM persons p JOIN mails m ON m.tenant_id = p.tenant_id AND m.id = p.id WHERE p.tenant_id = $1",
        "SELECT FROM persons p LEFT JOIN mails m ON m.tenant_id = $1 LEFT JOIN matches x ON x.tenant_id = $1 \
         WHERE p.tenant_id = $1",
        r#"SELECT FROM ("persons" INNER JOIN "mails" ON ("mails"."tenant_id" = "persons"."tenant_id"))
           WHERE ("persons"."tenant_id" = $1)"#,
        "UPDATE persons p SET name = s.name FROM staging s WHERE p.tenant_id = $1 AND s.tenant_id = p.tenant_id",
        "DELETE FROM mails USING persons p WHERE mails.tenant_id = $1 AND p.tenant_id = $1",
        "SELECT FROM heads h, unnest($2::int[]) AS rows WHERE h.tenant_id = $1",
        "SELECT FROM persons JOIN insurers i ON i.tenant_id = persons.tenant_id WHERE persons.tenant_id = $1",
    ] {
        fine(sql);
    }
    for sql in [
        "SELECT FROM persons p, mails m WHERE p.tenant_id = $1",
        "SELECT FROM persons p JOIN mails m ON m.id = p.id WHERE p.tenant_id = $1",
        "SELECT FROM persons p LEFT JOIN mails m ON p.tenant_id = $1 AND m.id = p.id WHERE p.tenant_id = $1",
        "DELETE FROM persons p USING mails m WHERE p.tenant_id = $1",
        "UPDATE persons p SET name = '' FROM mails m WHERE p.tenant_id = $1 AND m.id = p.id",
    ] {
        assert_eq!(faults(sql), ["mails without tenant_id = $n"], "{sql}");
    }
}

#[test]
fn every_query_inside_another_names_it_too() {
    for sql in [
        "SELECT FROM persons p WHERE p.tenant_id = $1 AND NOT EXISTS (SELECT FROM mails m WHERE m.tenant_id = p.tenant_id)",
        "SELECT (SELECT count(*) FROM mails WHERE tenant_id = $1)",
        "WITH gone AS (DELETE FROM mails WHERE tenant_id = $1 RETURNING id) SELECT count(*) FROM gone",
        "WITH gone AS (SELECT 1) UPDATE mails SET id = 1 WHERE tenant_id = $1",
        "SELECT FROM mails WHERE tenant_id = $1 UNION ALL SELECT FROM persons WHERE tenant_id = $1",
        "SELECT FROM (SELECT tenant_id FROM mails WHERE tenant_id = $1) AS m",
    ] {
        fine(sql);
    }
    for sql in [
        "SELECT FROM persons p WHERE p.tenant_id = $1 AND NOT EXISTS (SELECT FROM mails m WHERE m.id = p.id)",
        "SELECT FROM persons p WHERE p.tenant_id = $1 AND EXISTS (SELECT FROM mails p WHERE p.id = 1)",
        "SELECT (SELECT count(*) FROM mails)",
        "SELECT coalesce((SELECT count(*) FROM mails), 0)",
        "WITH gone AS (DELETE FROM mails RETURNING id) SELECT count(*) FROM gone",
        "WITH gone AS (SELECT 1) UPDATE mails SET id = 1",
        "SELECT FROM persons WHERE tenant_id = $1 UNION ALL SELECT FROM mails",
        "SELECT FROM (SELECT tenant_id FROM mails) AS m WHERE m.tenant_id = $1",
        "SELECT a IS DISTINCT FROM b FROM mails",
    ] {
        assert_eq!(faults(sql), ["mails without tenant_id = $n"], "{sql}");
    }
}

#[test]
fn inserted_rows_say_whose_they_are() {
    fine(
        "INSERT INTO mails (tenant_id, id) VALUES ($1, $2), ($1, $3) ON CONFLICT (tenant_id, id) DO UPDATE SET id = $4",
    );
    fine(r#"INSERT INTO "mails" ("id", "tenant_id") VALUES ($1, DEFAULT)"#);
    fine("INSERT INTO due (tenant_id, item) SELECT $1, unnest($2::uuid[])");
    for sql in [
        "INSERT INTO mails (id) VALUES ($1)",
        "INSERT INTO mails VALUES ($1, $2)",
    ] {
        assert!(
            faults(sql).contains(&"rows for mails without tenant_id".to_owned()),
            "{sql}"
        );
    }
}

#[test]
fn selected_rows_take_their_tenant_from_a_row() {
    for sql in [
        "INSERT INTO staging (line, tenant_id) SELECT rows.line, h.tenant_id FROM heads h, unnest($2::int[]) AS rows (line)
         WHERE h.tenant_id = $1",
        "INSERT INTO matches (tenant_id, line) SELECT DISTINCT ON (s.line) s.tenant_id, s.line FROM staging s
         WHERE s.tenant_id = $1",
        "INSERT INTO matches AS m (tenant_id, line) SELECT tenant_id, line FROM (SELECT s.tenant_id, s.line FROM staging s
         WHERE s.tenant_id = $1) AS pairs WHERE line > $2",
    ] {
        fine(sql);
    }
    for sql in [
        "INSERT INTO matches (tenant_id, line) SELECT $1, line FROM unnest($2::int[]) AS rows (line)",
        "INSERT INTO matches (tenant_id, line) SELECT $1, s.line FROM staging s WHERE s.tenant_id = $1",
        "INSERT INTO matches (line, tenant_id) SELECT s.line, $1 FROM staging s WHERE s.tenant_id = $1",
        "INSERT INTO matches (tenant_id, line) SELECT s.tenant_id + 0, s.line FROM staging s WHERE s.tenant_id = $1",
        "INSERT INTO matches (tenant_id, line) SELECT 7, 1 WHERE NOT EXISTS (SELECT FROM matches WHERE tenant_id = $1)",
    ] {
        assert_eq!(
            faults(sql),
            ["INSERT INTO matches … SELECT whose tenant is not a tenant table's column"],
            "{sql}"
        );
    }
}

#[test]
fn a_keyed_table_is_asked_by_its_key() {
    for sql in [
        r#"SELECT FROM "names" WHERE ("names"."hash" = $1)"#,
        "SELECT FROM names WHERE hash = ANY($1)",
        "DELETE FROM names WHERE hash IN ($1, $2) AND tenant_id = $3",
        "INSERT INTO names (hash, tenant_id) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET tenant_id = $2 WHERE names.until < $3",
    ] {
        fine(sql);
    }
    for sql in [
        "SELECT FROM names WHERE tenant_id = $1",
        "DELETE FROM names WHERE tenant_id = $1 AND until < $2",
        "SELECT FROM names WHERE hash <> $1",
        "SELECT FROM names WHERE hash IN (SELECT hash FROM names WHERE hash = $1)",
    ] {
        assert_eq!(faults(sql), ["names without hash = $n"], "{sql}");
    }
}

#[test]
fn forms_that_a_cluster_reads_wrongly_are_named_wherever_they_stand() {
    let wrong = "SELECT count(*) FILTER (WHERE CASE name WHEN '' THEN true END) FROM persons WHERE tenant_id = $1";
    assert_eq!(faults(wrong), ["CASE x WHEN …: write CASE WHEN x = …"]);
    fine("SELECT CASE WHEN name = '' THEN CASE WHEN true THEN 1 END END FROM persons WHERE tenant_id = $1");
    assert_eq!(
        faults("SELECT set_config('madoguchi.tenant_id', $1, true)"),
        ["set_config(): write a literal SET LOCAL"]
    );
}

#[test]
fn the_comment_of_a_table_says_what_its_statements_must_name() {
    assert!(Tables::default().is_empty());
    assert!(!tables().is_empty());
    let mut tables = Tables::default();
    // A reference table is everywhere, and a key of two columns spreads nothing.
    tables.add(
        "insurers",
        "directory; crate tenancy; grants select; cluster everywhere",
        Some("tenant_id"),
    );
    tables.add(
        "names",
        "directory; crate accounts; grants select; cluster by key",
        None,
    );
    assert!(judge("SELECT FROM insurers, names", &tables).is_empty());
}
