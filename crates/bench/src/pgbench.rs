//! PostgreSQL's own load generator, running given statements one after the other, each prepared.

use crate::{
    processes,
    sent::{Parameter, Statement},
    stage::{Failed, Stage},
};
use database::cluster::DATABASE;
use std::{
    fmt::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

/// An id in the order of time, as the service's are.
const NEW_ID: &str = "(lpad(to_hex(txid_current()), 12, '0') || '7000' \
    || substr(gen_random_uuid()::text, 20, 4) || substr(gen_random_uuid()::text, 25))::uuid";
const NEW_HASH: &str = "sha256(gen_random_uuid()::text::bytea)";

/// A script with its variables.
pub struct Pgbench {
    script: PathBuf,
    variables: Vec<String>,
}

impl Pgbench {
    /// Writes the script: what it repeats is one of what is counted.
    pub fn of(stage: &Stage, statements: &[Statement]) -> Result<Self, Failed> {
        let (text, variables) = script(statements);
        let path = stage.data.join("page.sql");
        std::fs::write(&path, text).map_err(Failed::at(path.display()))?;
        Ok(Self {
            script: path,
            variables,
        })
    }

    /// Repetitions a second over so many connections.
    pub fn rate(&self, stage: &Stage, connections: usize, during: Duration) -> Result<f64, Failed> {
        let address =
            url::Url::parse(&stage.cluster.service_url(DATABASE)).map_err(Failed::at("the service's address"))?;
        let mut pgbench = Command::new(stage.cluster.binaries().program("pgbench"));
        pgbench
            .args(["--no-vacuum", "--protocol=prepared"])
            .arg(format!("--client={connections}"))
            .arg(format!("--jobs={}", processes::cores().min(connections)))
            .arg(format!("--time={}", during.as_secs()))
            .arg(format!("--file={}", self.script.display()));
        for variable in &self.variables {
            pgbench.arg("-D").arg(variable);
        }
        let output = pgbench
            .env("PGHOST", address.host_str().unwrap_or_default())
            .env("PGPORT", address.port().unwrap_or_default().to_string())
            .env("PGUSER", address.username())
            .env("PGPASSWORD", address.password().unwrap_or_default())
            .env("PGDATABASE", DATABASE)
            .env("PGOPTIONS", database::PLANNING)
            .stdin(Stdio::null())
            .output()
            .map_err(Failed::at("pgbench"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        said.lines()
            .filter(|_| output.status.success())
            .find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok())
            .ok_or_else(|| Failed(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr))))
    }
}

/// The script's text, and a `name=value` for each parameter.
fn script(statements: &[Statement]) -> (String, Vec<String>) {
    let (mut text, mut variables) = (String::new(), Vec::new());
    for (number, statement) in statements.iter().enumerate() {
        let mut sql = statement.sql.clone();
        // From the last, or $1 would be found in $10.
        for (place, value) in statement.parameters.iter().enumerate().rev() {
            let (parameter, name) = (format!("${}", place + 1), format!("s{number}_{}", place + 1));
            let by = match value {
                // A variable can't be empty.
                Parameter::Text(value) if value.is_empty() => "''".into(),
                Parameter::Text(value) => {
                    variables.push(format!("{name}={value}"));
                    format!(":{name}")
                }
                Parameter::Null => "NULL".into(),
                Parameter::NewId => NEW_ID.into(),
                Parameter::NewHash => NEW_HASH.into(),
            };
            sql = sql.replace(&parameter, &by);
        }
        let _ = writeln!(text, "{sql};");
    }
    (text, variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_variables() {
        let statement = |sql: &str, parameters: &[Parameter]| Statement {
            sql: sql.to_owned(),
            parameters: parameters.to_vec(),
        };
        let mut ten = vec![Parameter::Text("a".into()); 10];
        ten[1] = Parameter::Null;
        ten[2] = Parameter::Text(String::new());
        let (text, variables) = script(&[
            statement("BEGIN READ ONLY", &[]),
            statement("SELECT $1, $2, $3, $10", &ten),
            statement("COMMIT", &[]),
        ]);
        assert!(text.starts_with("BEGIN READ ONLY;\nSELECT"), "{text}");
        assert!(text.ends_with("SELECT :s1_1, NULL, '', :s1_10;\nCOMMIT;\n"), "{text}");
        assert!(variables.contains(&"s1_10=a".to_owned()) && variables.len() == 8);
    }
}
