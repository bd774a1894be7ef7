//! Programs of other systems: a member sought by number, and tokens issued, each against pgbench running the very same statements
//! (ours for clients of two thousand insurers in turn, pgbench's for one); and a roster that comes through the API against the
//! same file imported by the command line.

use crate::{
    alternate::{Medians, alternate, median},
    http::{self, Connection},
    import,
    my_page::{ROUND, own, pages, told},
    pgbench::Pgbench,
    report::Row,
    sent::{self, Asked},
    service::Service,
    stage::{Failed, INSURER, Insurer, Stage, copied, into, run},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::cluster::DATABASE;
use kernel::{ClientId, TenantId};
use madoguchi::config::Config;
use serde_json::{Value, json};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// As many as of the my page: a client may call only so often a minute.
const INSURERS: i32 = 2_000;
const ROUNDS: usize = 12;
/// Of the file that is imported.
const HOUSEHOLDS: u32 = 50_000;
const IMPORTS: usize = 3;
const IMPORTED: &str = "bench_programs";
/// How often the import is asked how it stands: a client may call 600 times a minute.
const ASK: Duration = Duration::from_millis(200);
const TOKEN_PREFIX: &str = "mdg_at_";
const SECRET_PREFIX: &str = "mdg_cs_";

const SCOPES: [&str; 3] = ["members.read", "imports.read", "imports.write"];

/// A client of [`INSURER`].
pub struct Client {
    tenant: String,
    id: String,
    secret: String,
}

/// The three ratios, and the statements of the first.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    stage.members(1)?;
    let client = client(stage, DATABASE, &SCOPES)?;
    let connections = Config::defaults()
        .map_err(Failed::at("configuration"))?
        .database
        .connections;
    let issue = |client: &Client| client.token_request();
    let token = {
        let service = Service::start(stage, None)?;
        token(&mut service.connect()?, &client)?
    };
    let of_member = sent::of_request(
        stage,
        &Asked {
            request: &search(&token),
            door: "FROM client_tokens",
            tenants: &[&client.tenant],
        },
    )?;
    let of_token = sent::of_request(
        stage,
        &Asked {
            request: &issue(&client),
            door: "FROM throttles",
            tenants: &["0", &client.tenant],
        },
    )?;
    // Before the node starts, which learns of new insurers every few seconds only.
    let insurers = stage.insurers(INSURERS)?;
    spread(stage, &client, &insurers)?;
    let service = Service::start(stage, None)?;
    let searches: Vec<Vec<u8>> = insurers.iter().map(|insurer| search(&of(insurer, &token))).collect();
    let issues: Vec<Vec<u8>> = insurers.iter().map(|insurer| issue(&client.at(insurer))).collect();
    let mut rows = Vec::new();
    for (name, statements, requests) in [
        ("programs.member", &of_member, &searches),
        ("programs.tokens", &of_token, &issues),
    ] {
        let pgbench = Pgbench::of(stage, statements)?;
        let Medians { a, b, ratio } = alternate(
            ROUNDS,
            || told(stage, None, "pgbench", || pgbench.rate(stage, connections, ROUND)),
            || {
                told(stage, Some(&service), name, || {
                    pages(&service, requests, connections, ROUND)
                })
            },
        )?;
        eprintln!("{name}: {b:.0}/s, {a:.0}/s of pgbench, {connections} connections each");
        rows.push(Row::at_least(name, ratio, 0.6));
    }
    rows.insert(1, Row::at_most("programs.member.statements", own(&of_member), 3.0));
    drop(service);
    rows.push(bulk(stage)?);
    Ok(rows)
}

impl Client {
    /// At which insurer it is.
    pub fn tenant(&self) -> Result<TenantId, Failed> {
        self.tenant.parse().map(TenantId).map_err(Failed::at("a client"))
    }

    /// The same at a copy of its insurer.
    fn at(&self, insurer: &Insurer) -> Self {
        let id = self.id.rsplit_once('_').map_or("", |(_, id)| id);
        Self {
            tenant: insurer.tenant.to_string(),
            id: clients::ClientName {
                home: TenantId(insurer.tenant),
                client_id: ClientId(id.parse().unwrap_or_default()),
            }
            .to_string(),
            secret: of(insurer, &self.secret),
        }
    }

    fn token_request(&self) -> Vec<u8> {
        let basic = STANDARD.encode(format!("{}:{}", self.id, self.secret));
        let header = format!("Authorization: Basic {basic}");
        http::post(
            "/api/v1/oauth/token",
            &header,
            "application/x-www-form-urlencoded",
            b"grant_type=client_credentials",
        )
    }
}

/// A secret or token under the number of another insurer.
fn of(insurer: &Insurer, secret: &str) -> String {
    let (prefix, rest) = secret.split_at(TOKEN_PREFIX.len().min(secret.len()));
    debug_assert!([TOKEN_PREFIX, SECRET_PREFIX].contains(&prefix), "{prefix}");
    let (_, secret) = rest.split_once('.').unwrap_or_default();
    format!("{prefix}{}.{secret}", insurer.tenant)
}

/// A new client with these scopes.
pub fn client(stage: &Stage, database: &str, scopes: &[&str]) -> Result<Client, Failed> {
    let mut command = stage.madoguchi();
    command
        .env("MADOGUCHI__DATABASE__URL", stage.cluster.service_url(database))
        .args([
            "client",
            "create",
            INSURER,
            "--name",
            "bench",
            "--contact",
            "bench@example.jp",
        ])
        .args(scopes.iter().flat_map(|scope| ["--scope", scope]))
        .arg("--json");
    let output = command.output().map_err(Failed::at("client create"))?;
    let made: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| Failed(format!("client create: {}", String::from_utf8_lossy(&output.stderr))))?;
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    let tenant = secret.strip_prefix(SECRET_PREFIX).and_then(|rest| rest.split_once('.'));
    let (tenant, _) = tenant.ok_or_else(|| Failed(format!("no client: {made}")))?;
    Ok(Client {
        tenant: tenant.to_owned(),
        id,
        secret,
    })
}

/// Ends a client for good.
pub fn revoke(stage: &Stage, client: &Client) -> Result<(), Failed> {
    run(stage.madoguchi().args(["client", "revoke", &client.id]))
}

/// A token with all that was granted.
pub fn token(connection: &mut Connection, client: &Client) -> Result<String, Failed> {
    let answer = json(connection, &client.token_request(), 200)?;
    Ok(text(&answer, "access_token"))
}

/// A text of an object; empty where it has none of the name.
fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The body of an answer of this status.
pub fn json(connection: &mut Connection, request: &[u8], status: u16) -> Result<Value, Failed> {
    let answer = connection
        .exchange(request)
        .map_err(Failed::at("a program's request"))?;
    let body = connection.body(&answer);
    if answer.status != status {
        return Err(Failed(format!("{answer:?}: {}", String::from_utf8_lossy(body))));
    }
    serde_json::from_slice(body).map_err(Failed::at("an answer"))
}

fn search(token: &str) -> Vec<u8> {
    let body = json!({"symbol": "100", "number": "1", "branch": "00"}).to_string();
    let header = format!("Authorization: Bearer {token}");
    http::post("/api/v1/members/search", &header, "application/json", body.as_bytes())
}

/// Copies the person, the client and its token to each of the insurers.
fn spread(stage: &Stage, client: &Client, insurers: &[Insurer]) -> Result<(), Failed> {
    let mut sql = into(insurers);
    for table in ["persons", "clients", "client_secrets", "client_grants", "client_tokens"] {
        let own = if table == "client_grants" {
            ", 'home', tenant"
        } else {
            ""
        };
        sql += &copied(table, &format!("old.tenant_id = {}", client.tenant), own);
    }
    stage.sql(DATABASE, &sql).map(drop)
}

/// The same roster, by the command line and through a node, which then imports it as its work.
fn bulk(stage: &Stage) -> Result<Row, Failed> {
    let file = stage.data.join("roster.csv");
    import::write(&file, HOUSEHOLDS).map_err(Failed::at(file.display()))?;
    let bytes = fs::read(&file).map_err(Failed::at(file.display()))?;
    let (mut by_command, mut by_program) = (Vec::new(), Vec::new());
    for _ in 0..IMPORTS {
        fresh(stage)?;
        by_command.push(import::import(stage, IMPORTED, &file)?.0);
        fresh(stage)?;
        by_program.push(through(stage, &bytes)?);
    }
    fs::remove_file(&file).map_err(Failed::at(file.display()))?;
    stage.cluster.drop_database(IMPORTED).map_err(Failed::at(IMPORTED))?;
    let (command, program) = (median(&mut by_command), median(&mut by_program));
    eprintln!("programs.import: {program:.1} s through the API, {command:.1} s by the command line");
    Ok(Row::at_least("programs.import", command / program, 0.9))
}

fn fresh(stage: &Stage) -> Result<(), Failed> {
    stage.make(IMPORTED)?;
    stage.apply(IMPORTED)?;
    stage.sql("postgres", "CHECKPOINT").map(drop)
}

/// Seconds from the first byte sent to the answer that it is finished.
fn through(stage: &Stage, file: &[u8]) -> Result<f64, Failed> {
    let client = client(stage, IMPORTED, &SCOPES)?;
    let service = Service::on(stage, IMPORTED, None)?;
    let mut connection = service.connect()?;
    let token = token(&mut connection, &client)?;
    let header = format!("Authorization: Bearer {token}");
    let begun = Instant::now();
    let request = http::post(
        "/api/v1/roster-imports?format=csv&mode=whole",
        &header,
        "application/octet-stream",
        file,
    );
    let begun_import = json(&mut connection, &request, 202)?;
    let path = format!("/api/v1/roster-imports/{}", text(&begun_import, "id"));
    let ask = http::get_with(&path, &header);
    loop {
        let import = json(&mut connection, &ask, 200)?;
        match text(&import, "state").as_str() {
            "finished" => return Ok(begun.elapsed().as_secs_f64()),
            "comparing" | "running" => thread::sleep(ASK),
            _ => return Err(Failed(format!("not imported: {import}"))),
        }
    }
}
