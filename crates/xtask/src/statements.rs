//! What a run of the Rust tests sent as the service's role, held against what a cluster can run ([`sql_rules`]):
//! `PostgreSQL` itself keeps the texts (`pg_stat_statements`), whichever crate wrote them and however they were put together.

use std::collections::BTreeMap;
use std::process::Command;

use local_cluster::Binaries;
use sql_rules::statements::{self, Fault, Tables};

use crate::shell::{self, Failed};

/// A server that tests run on.
pub struct Server {
    /// The superuser's address.
    pub admin_url: String,
    /// The service's, in the migrated database.
    pub service_url: String,
}

impl Server {
    /// The one that somebody gives the tests, as `cargo test` alone takes it.
    pub fn given() -> Result<Self, Failed> {
        let variable = |name: &str| std::env::var(name).map_err(Failed::at(name));
        Ok(Self {
            admin_url: variable("MADOGUCHI_TEST_ADMIN_URL")?,
            service_url: variable("MADOGUCHI_TEST_SERVICE_URL")?,
        })
    }

    /// From here on what is sent counts.
    pub fn begin(&self) -> Result<(), Failed> {
        if self.counts()? {
            let reset = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()";
            ask(&self.admin_url, reset)?;
        }
        Ok(())
    }

    /// Fails where anything was sent that breaks a rule, and says what.
    pub fn judge(&self) -> Result<(), Failed> {
        if !self.counts()? {
            println!("  SKIPPED, not judged: what the tests sent. PostgreSQL runs without pg_stat_statements.");
            return Ok(());
        }
        let tables = self.tables()?;
        if tables.is_empty() {
            println!("  not judged: no test has migrated the database");
            return Ok(());
        }
        let sent = self.sent()?;
        let broken: BTreeMap<&String, Vec<String>> = sent
            .iter()
            .map(|sql| {
                (
                    sql,
                    statements::judge(sql, &tables)
                        .iter()
                        .map(Fault::to_string)
                        .collect::<Vec<_>>(),
                )
            })
            .filter(|(_, faults)| !faults.is_empty())
            .collect();
        println!(
            "  {} statements of the service judged by the rules of the cluster",
            sent.len()
        );
        for (sql, faults) in &broken {
            eprintln!("\n{}\n{sql}", faults.join("\n"));
        }
        match broken.len() {
            0 => Ok(()),
            faulty => Err(Failed(format!(
                "{faulty} statements that a cluster can't run, or runs everywhere"
            ))),
        }
    }

    fn counts(&self) -> Result<bool, Failed> {
        Ok(ask(&self.admin_url, "SHOW shared_preload_libraries")?.contains("pg_stat_statements"))
    }

    /// By the comments that the migrations leave, and their keys.
    fn tables(&self) -> Result<Tables, Failed> {
        let rows = ask(
            &self.service_url,
            "SELECT coalesce(json_agg(json_build_array(c.relname, obj_description(c.oid, 'pg_class'), (
                 SELECT min(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
                 WHERE i.indrelid = c.oid AND i.indisprimary HAVING count(*) = 1))), '[]')
             FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')",
        )?;
        let rows: Vec<(String, Option<String>, Option<String>)> =
            serde_json::from_str(&rows).map_err(Failed::at(&rows))?;
        let mut tables = Tables::default();
        for (name, comment, key) in rows {
            tables.add(&name, &comment.unwrap_or_default(), key.as_deref());
        }
        Ok(tables)
    }

    /// Each text once, from whatever database: tests drop theirs, what was sent to them stays.
    fn sent(&self) -> Result<Vec<String>, Failed> {
        let lost = ask(&self.admin_url, "SELECT dealloc FROM pg_stat_statements_info")?;
        if lost.trim() != "0" {
            return Err(Failed("statements were forgotten: raise pg_stat_statements.max".into()));
        }
        let role = ask(&self.service_url, "SELECT current_user")?;
        let sent = ask(
            &self.admin_url,
            &format!(
                "SELECT coalesce(json_agg(DISTINCT query), '[]') FROM pg_stat_statements
                 WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = '{}')",
                role.trim()
            ),
        )?;
        serde_json::from_str(&sent).map_err(Failed::at("pg_stat_statements"))
    }
}

fn ask(url: &str, sql: &str) -> Result<String, Failed> {
    let psql = Binaries::find().map_err(Failed::at("psql"))?.program("psql");
    shell::quiet(Command::new(psql).args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url]))
}
