//! `madoguchi demo`: everything on one machine with sample data. A private PostgreSQL cluster, keys of its own, mail
//! caught in a mailbox page, loopback only. Nothing of it runs in production.

mod clerks;
mod drugs;
mod pages;
mod people;
mod sandbox;

use crate::{
    app::App,
    commands::{self, Failed, How, import_file, migrate, owner, said, tenant_apply},
    config::{Config, KeysConfig, LogFormat},
    heartbeat::{self, Kind},
    key_proof::Unproven,
    listener, modules, samples,
    sandbox::{Program, calls},
    serve, telemetry,
    terminal::{self, say},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::cluster::{ClusterOptions, DATABASE, LocalCluster};
use ipnet::IpNet;
use kernel::{Clock, InsurerCode};
use mail::{Mailbox, Transport};
use people::{PEOPLE, register};
use poem::EndpointExt as _;
use roster::import::Options;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::TcpListener;
use url::Url;

/// Runs the demo until told to stop.
pub(crate) async fn demo(listen: Option<SocketAddr>, data: &Path, tenants: &Path) -> Result<(), Failed> {
    let folders = folders(tenants)?;
    let mut config = Config::read(None)?;
    config.http.drain_seconds = 5;
    config.log.format = LogFormat::Text;
    // Whoever tries it out looks for three addresses, not for requests that went well.
    if std::env::var_os("MADOGUCHI__LOG__FILTER").is_none() {
        config.log.filter = "warn".into();
    }
    telemetry::log(&config.log);
    let stop = serve::stop_signal()?;
    let (listener, address) = bind(listen.unwrap_or(config.http.listen)).await?;

    // DATABASE_URL: a database that stands ready, of which this role is the owner and the service alike.
    let cluster = if let Ok(url) = std::env::var("DATABASE_URL") {
        config.database.owner_url = Some(url.clone());
        config.database.url = url;
        None
    } else {
        say!("[1/4] starting PostgreSQL in {}", data.display());
        let cluster = start_cluster(data).await?;
        config.database.owner_url = Some(cluster.owner_url(DATABASE));
        config.database.url = cluster.service_url(DATABASE);
        Some(cluster)
    };
    config.keys = keys_in(data)?;
    say!("[2/4] migrating");
    migrate(&config).await?;
    let (keys, names) = config.keys()?;
    commands::keys::register(&owner(&config)?, &keys, &names, Clock::system().now()).await?;

    config.http.public_url = Url::parse(&format!("http://localhost:{}", address.port())).map_err(said)?;
    // Whoever tries it has a receiver on the same machine.
    config.webhooks.allow_http = true;
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    config.webhooks.allow_networks = loopback.map(IpNet::from).into();
    let mailbox = Mailbox::new();
    let app = App::new(
        &config,
        Clock::system(),
        Transport::Mailbox(mailbox.clone()),
        modules::modules,
    )?;
    let unproven = |error: Unproven| Failed::Said(error.to_string());
    app.key_proof.ask().await.map_err(unproven)?;
    drugs::bring(&app).await?;

    say!("[3/4] applying {}", tenants.display());
    for folder in folders {
        // What somebody tried in the console stays.
        let code = folder
            .file_name()
            .and_then(|name| InsurerCode::parse(name.to_str()?).ok());
        let known = match code {
            Some(code) => tenancy::find(&app.ground.database, &code).await?,
            None => None,
        };
        if let Some(tenant) = known
            && tenancy::revisions::has_of_console(&app.ground.database, tenant).await?
        {
            continue;
        }
        let how = How::default();
        if let Err(problems) = tenant_apply(&app.ground.database, &app.ground.clock, &folder, how, |_| ()).await? {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(Failed::Said(lines.join("\n")));
        }
    }
    say!("[4/4] importing the sample rosters and statements");
    for person in PEOPLE {
        let Ok(code) = InsurerCode::parse(person.insurer_code) else {
            continue;
        };
        let Some(insurer) = app.ground.directory.by_code(&code).await? else {
            continue;
        };
        // Whom somebody suspended in the console nobody registers with.
        if !insurer.is_open() {
            continue;
        }
        let roster = tenants.join(person.insurer_code).join("sample-roster.csv");
        let options = Options {
            allow_loss: true,
            ..Options::default()
        };
        import_file(
            (&app.ground.database, &app.ground.keys),
            &app.ground.clock,
            &insurer,
            &roster,
            options,
        )
        .await?;
        samples::bring(
            &app.ground,
            &insurer,
            &tenants.join(person.insurer_code).join("samples"),
        )
        .await?;
        // Two years of publications tell nobody: who registers now was not there.
        while app.worker.run_once().await? > 0 {}
        register(&app, &mailbox, person).await?;
        clerks::bring(&app, insurer.tenant_id).await?;
    }

    let program = sandbox::bring(&app).await?;
    let shown = closing_box(&config, cluster.as_ref(), data, program.as_ref())?;
    terminal::out(&terminal::lines(&shown));
    let endpoint = poem::Route::new()
        .at("/demo", poem::get(pages::start))
        .at("/demo/mail", poem::get(pages::mailbox))
        .nest_no_strip("/", app.endpoint())
        .data(app.clone())
        .data(program)
        .data(mailbox);
    let server = listener::listen(listener, endpoint, &config.http, stop.clone());
    let drain = Duration::from_secs(config.http.drain_seconds);
    let alive = heartbeat::run(&app, Kind::Serve, stop.clone());
    let uses = serve::uses(&app, stop.clone());
    let work = async {
        app.worker.run(stop, drain).await;
        Ok(())
    };
    tokio::try_join!(server, work, alive, uses)?;
    serve::last_uses(&app).await;
    app.ground.database.close();
    if let Some(cluster) = cluster {
        tokio::task::spawn_blocking(move || cluster.stop())
            .await
            .map_err(said)?
            .map_err(said)?;
    }
    Ok(())
}

/// Binds before anything else is begun, which takes a minute.
async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), Failed> {
    if !listen.ip().is_loopback() {
        return Err(Failed::Said(format!(
            "the demo shows everybody's mail: it listens on loopback only, not on {listen}"
        )));
    }
    let bound = serve::bind(listen).await;
    bound.map_err(|error| Failed::Said(format!("{error}; name another address with --listen")))
}

async fn start_cluster(data: &Path) -> Result<LocalCluster, Failed> {
    let options = ClusterOptions {
        folder: data.to_owned(),
        durable: true,
        connections: 60,
        keeps_statements: false,
    };
    let started = tokio::task::spawn_blocking(move || LocalCluster::start(&options));
    started.await.map_err(said)?.map_err(said)
}

/// Where to go, and what makes a second terminal speak to this database. A database that somebody brought is named by
/// their variable, not by its password.
fn closing_box(
    config: &Config,
    cluster: Option<&LocalCluster>,
    data: &Path,
    client: Option<&Program>,
) -> Result<String, Failed> {
    let url = config.http.public_url.as_str().trim_end_matches('/');
    let (service, owner) = match cluster {
        Some(cluster) => (cluster.service_url(DATABASE), cluster.owner_url(DATABASE)),
        None => ("$DATABASE_URL".into(), "$DATABASE_URL".into()),
    };
    let data = std::path::absolute(data)?;
    let (program, data) = (std::env::current_exe()?, data.display());
    let line = "─".repeat(72);
    let as_program = client.map(|client| as_program(client, url)).unwrap_or_default();
    Ok(format!(
        "
{line}
listening on {url}
start page   {url}/demo
mailbox      {url}/demo/mail
console      {url}/console/login (an insurer's code and
{clerks}
             each with {password};
             a second factor is set up at the first log-in)

To try commands on its database (README: An insurer joins), paste into
another terminal:

export MADOGUCHI__DATABASE__URL=\"{service}\"
export MADOGUCHI__DATABASE__OWNER_URL=\"{owner}\"
export MADOGUCHI__KEYS__CURRENT={KEY_ID}
export MADOGUCHI__KEYS__RING__{ring}=\"$(cat '{data}/{KEY}')\"
export MADOGUCHI__KEYS__NAMES=\"$(cat '{data}/{NAMES_KEY}')\"
export MADOGUCHI__HTTP__PUBLIC_URL={url}
alias madoguchi=\"'{program}'\"
{as_program}
Ctrl-C ends it; what was done stays in {data}.
{line}",
        clerks = clerks::CLERKS
            .map(|clerk| format!("             {} for {}", clerk.email, clerk.what))
            .join(",\n"),
        password = clerks::PASSWORD,
        ring = KEY_ID.to_uppercase(),
        program = program.display(),
    ))
}

/// How the API is called, to be pasted too.
fn as_program(program: &Program, url: &str) -> String {
    format!(
        "
To call its API as a program (crates/handbook/programs.md) of the sandbox
{code}, whose mails are in its console alone, paste as well. Webhooks may
go to http on this machine:

{calls}
",
        code = sandbox::CODE,
        calls = calls(program, url),
    )
}

/// The platform first: its terms are everybody's.
fn folders(tenants: &Path) -> Result<Vec<PathBuf>, Failed> {
    let entries = std::fs::read_dir(tenants).map_err(|error| {
        let tenants = tenants.display();
        Failed::Said(format!(
            "{tenants}: {error}; run the demo where the insurers' folders are, or name them with --tenants"
        ))
    })?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.join("tenant.toml").is_file() {
            folders.push(path);
        }
    }
    folders.sort_by_key(|path| (!path.ends_with("_platform"), path.clone()));
    Ok(folders)
}

const KEY_ID: &str = "demo";
const KEY: &str = "demo.key";
const NAMES_KEY: &str = "demo-names.key";

/// The demo's keys, made at the first start and kept beside its database, which they belong to.
fn keys_in(data: &Path) -> Result<KeysConfig, Failed> {
    Ok(KeysConfig {
        current: KEY_ID.into(),
        ring: [(KEY_ID.into(), key_in(data, KEY)?)].into(),
        names: key_in(data, NAMES_KEY)?,
        names_old: String::new(),
    })
}

fn key_in(data: &Path, name: &str) -> Result<String, Failed> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::create_dir_all(data)?;
    let file = data.join(name);
    if !file.exists() {
        let key: [u8; 32] = rand::random();
        let mut options = std::fs::OpenOptions::new();
        let written = options.write(true).create_new(true).mode(0o600).open(&file)?;
        std::io::Write::write_all(&mut &written, STANDARD.encode(key).as_bytes())?;
    }
    Ok(std::fs::read_to_string(&file)?.trim().to_owned())
}
