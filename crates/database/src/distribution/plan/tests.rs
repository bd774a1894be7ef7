use super::*;

fn table(name: &str, comment: &str) -> Table {
    Table {
        name: name.into(),
        comment: comment.into(),
        forced: comment.starts_with("tenant"),
        partitions: Vec::new(),
        unlogged: false,
        key: None,
        targets: Vec::new(),
        lies: String::new(),
    }
}

fn tenant(name: &str, targets: &[&str]) -> Table {
    Table {
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        ..table(name, "tenant; crate roster; grants select")
    }
}

fn names() -> Table {
    Table {
        key: Some("hash".into()),
        ..table("names", "directory; crate accounts; grants select; cluster by key")
    }
}

fn due() -> Table {
    table("due", "directory; crate jobs; grants 'all'; cluster on the coordinator")
}

fn insurers() -> Table {
    table(
        "insurers",
        "directory; crate tenancy; grants select; cluster everywhere",
    )
}

#[test]
fn every_kind_goes_where_its_comment_says_with_the_targets_of_foreign_keys_first() {
    let staging = Table {
        unlogged: true,
        ..tenant("staging", &[])
    };
    let tables = [
        tenant("accounts", &["persons"]),
        tenant("consents", &["accounts", "persons", "drugs"]),
        table("drugs", "reference; crate statements; grants select"),
        due(),
        insurers(),
        names(),
        tenant("persons", &[]),
        staging,
    ];
    assert_eq!(
        plan(&tables).unwrap(),
        [
            r#"SELECT create_reference_table('"drugs"')"#,
            r#"SELECT create_reference_table('"insurers"')"#,
            r#"ALTER TABLE "persons" NO FORCE ROW LEVEL SECURITY"#,
            r#"SELECT create_distributed_table('"persons"', 'tenant_id', colocate_with => 'none')"#,
            r#"ALTER TABLE "persons" FORCE ROW LEVEL SECURITY"#,
            r#"ALTER TABLE "staging" SET LOGGED"#,
            r#"ALTER TABLE "staging" NO FORCE ROW LEVEL SECURITY"#,
            r#"SELECT create_distributed_table('"staging"', 'tenant_id', colocate_with => '"persons"')"#,
            r#"ALTER TABLE "staging" FORCE ROW LEVEL SECURITY"#,
            r#"ALTER TABLE "accounts" NO FORCE ROW LEVEL SECURITY"#,
            r#"SELECT create_distributed_table('"accounts"', 'tenant_id', colocate_with => '"persons"')"#,
            r#"ALTER TABLE "accounts" FORCE ROW LEVEL SECURITY"#,
            r#"ALTER TABLE "consents" NO FORCE ROW LEVEL SECURITY"#,
            r#"SELECT create_distributed_table('"consents"', 'tenant_id', colocate_with => '"persons"')"#,
            r#"ALTER TABLE "consents" FORCE ROW LEVEL SECURITY"#,
            r#"SELECT citus_add_local_table_to_metadata('"due"'); COMMENT ON TABLE "due" IS 'directory; crate jobs; grants ''all''; cluster on the coordinator'"#,
            r#"SELECT create_distributed_table('"names"', 'hash', colocate_with => 'none')"#,
        ]
    );
}

fn done(table: Table) -> Table {
    let lies = Place::of(&table).unwrap().words();
    Table { lies, ..table }
}

#[test]
fn what_is_done_is_not_done_again() {
    let tables = [due(), insurers(), names(), tenant("persons", &[])].map(done);
    assert_eq!(plan(&tables).unwrap(), Vec::<String>::new());
    assert_eq!(misplaced(&tables).count(), 0);
}

#[test]
fn a_run_that_broke_off_is_taken_up_where_it_was() {
    // Without its rule that the owner is under row-level security, too: before it was spread, and after.
    let before = Table {
        forced: false,
        ..tenant("pets", &["persons"])
    };
    let after = Table {
        forced: false,
        ..done(tenant("persons", &[]))
    };
    assert_eq!(
        plan(&[after, before]).unwrap(),
        [
            r#"ALTER TABLE "persons" FORCE ROW LEVEL SECURITY"#,
            r#"ALTER TABLE "pets" NO FORCE ROW LEVEL SECURITY"#,
            r#"SELECT create_distributed_table('"pets"', 'tenant_id', colocate_with => '"persons"')"#,
            r#"ALTER TABLE "pets" FORCE ROW LEVEL SECURITY"#,
        ]
    );
}

#[test]
fn a_tables_years_are_freed_of_their_rule_while_it_is_spread_and_have_it_again() {
    let costs = Table {
        partitions: vec!["costs_2025".into(), "costs_2026".into()],
        ..tenant("costs", &[])
    };
    let all = |force: &str| {
        ["costs", "costs_2025", "costs_2026"].map(|name| format!("ALTER TABLE \"{name}\" {force} ROW LEVEL SECURITY"))
    };
    let spread = r#"SELECT create_distributed_table('"costs"', 'tenant_id', colocate_with => 'none')"#.to_owned();
    let whole = [all("NO FORCE").as_slice(), &[spread], &all("FORCE")].concat();
    assert_eq!(plan(std::slice::from_ref(&costs)).unwrap(), whole);
    // A run that broke off somewhere before it was spread, and one that broke off behind it.
    let freed = |table: Table| Table { forced: false, ..table };
    assert_eq!(plan(&[freed(costs.clone())]).unwrap(), whole);
    assert_eq!(plan(&[freed(done(costs.clone()))]).unwrap(), all("FORCE"));
    assert_eq!(plan(&[done(costs)]).unwrap(), Vec::<String>::new());
}

#[test]
fn a_later_table_joins_those_that_lie_there_already() {
    let tables = [tenant("accounts", &[]), done(tenant("persons", &[]))];
    assert!(plan(&tables).unwrap()[1].contains(r#"colocate_with => '"persons"'"#));
    assert_eq!(misplaced(&tables).collect::<Vec<_>>(), ["accounts"]);
}

#[test]
fn a_table_of_no_known_kind_stops_everything() {
    for comment in [
        "",
        "secret; crate x; grants select",
        "directory; crate x; grants select",
        "directory; crate x; grants select; cluster somewhere",
        // A key of two columns, or none.
        "directory; crate x; grants select; cluster by key",
        "tenant; crate x; grants select; cluster everywhere",
    ] {
        let tables = [tenant("persons", &[]), table("odd", comment)];
        let refused = plan(&tables).unwrap_err().to_string();
        assert_eq!(refused, format!("table odd is of no known kind: {comment:?}"));
        assert!(misplaced(&tables).any(|table| table == "odd"));
    }
}

#[test]
fn a_table_that_lies_elsewhere_is_not_moved() {
    let elsewhere = Table {
        lies: "spread by account_id".into(),
        ..tenant("persons", &[])
    };
    let refused = plan(std::slice::from_ref(&elsewhere)).unwrap_err().to_string();
    assert!(
        refused.contains("spread by account_id and should be spread by tenant_id"),
        "{refused}"
    );
    assert_eq!(misplaced(&[elsewhere]).collect::<Vec<_>>(), ["persons"]);
}

#[test]
fn foreign_keys_in_a_circle_leave_no_order() {
    let tables = [tenant("a", &["b"]), tenant("b", &["a"]), tenant("c", &[])];
    assert!(matches!(plan(&tables), Err(DistributeError::NoOrder(names)) if names == "a, b"));
}

#[test]
fn names_and_comments_are_quoted() {
    let odd = tenant("o\"d'd", &[]);
    assert!(plan(&[odd]).unwrap()[1].starts_with(r#"SELECT create_distributed_table('"o""d''d"', "#));
}
