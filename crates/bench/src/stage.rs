//! What every measure stands on: a private, durable PostgreSQL that is emptied first, the insurers of `tenants/`, and
//! members who signed up through the product's own use cases.

use crate::processes;
use accounts::{AccountForm, BirthForm, Carrier, IdentityForm, LogInForm, TermsChoice};
use audit::Origin;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use database::cluster::{ClusterOptions, DATABASE, LocalCluster};
use kernel::{Clock, InsurerCode, Outage, Outcome};
use madoguchi::{
    app::App,
    config::{Config, KeysConfig},
    modules,
};
use mail::{Mailbox, Transport};
use std::{
    fmt::{self, Write as _},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Whose members log in: the plainest of the shipped insurers.
pub const INSURER: &str = "32290413";
/// Everybody's.
pub const PASSWORD: &str = "Himawari2rin&";
/// Connections the cluster allows; no measure comes near.
const CONNECTIONS: u32 = 100;
/// The tenant of the first copy of the insurer.
const COPIES: i32 = 1_000;
/// The one key of the ring.
const KEY: [u8; 32] = [7; 32];
/// The key of user IDs.
const NAMES_KEY: [u8; 32] = [8; 32];

/// Why there is no result, for the terminal.
#[derive(Debug)]
pub struct Failed(pub String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failed {
    /// Says what an error is about.
    pub fn at<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Failed {
        move |error| Failed(format!("{what}: {error}"))
    }
}

/// The database with everything applied, and the binary that is measured.
pub struct Stage {
    /// The server.
    pub cluster: LocalCluster,
    /// The process of the server.
    pub postmaster: u32,
    /// Where it keeps its log, its data and ours.
    pub data: PathBuf,
    /// The server's log.
    pub log: PathBuf,
    /// The release binary.
    pub program: PathBuf,
    /// For the use cases that are called from here.
    pub runtime: tokio::runtime::Runtime,
    tenants: PathBuf,
}

/// A member who has accepted the terms and is logged in.
#[derive(Debug, Clone)]
pub struct Member {
    /// ユーザーID.
    pub user_id: String,
    /// The value of the session cookie.
    pub session: String,
}

/// A copy of [`INSURER`].
#[derive(Debug, Clone)]
pub struct Insurer {
    /// Its tenant.
    pub tenant: i32,
    /// 保険者指定コード.
    pub code: InsurerCode,
}

impl Stage {
    /// Starts the server with a quarter of the machine's memory as its buffers (PostgreSQL's manual, 20.4), and
    /// empties it.
    pub fn set(data: &Path, program: &Path, tenants: &Path) -> Result<Self, Failed> {
        fs::create_dir_all(data).map_err(Failed::at(data.display()))?;
        let cluster = LocalCluster::start(&ClusterOptions {
            folder: data.to_owned(),
            durable: true,
            connections: CONNECTIONS,
            keeps_statements: false,
        })
        .map_err(Failed::at("PostgreSQL"))?;
        let buffers = (processes::machine_mib().unwrap_or(512) / 4).clamp(128, 2048);
        cluster
            .sql("postgres", &format!("ALTER SYSTEM SET shared_buffers = '{buffers}MB'"))
            .and_then(|_| cluster.restart())
            .map_err(Failed::at("PostgreSQL"))?;
        let folder = cluster
            .sql("postgres", "SHOW data_directory")
            .map_err(Failed::at("PostgreSQL"))?;
        let folder = folder.trim();
        let stage = Self {
            postmaster: processes::postmaster(folder).ok_or_else(|| Failed(format!("{folder}: no postmaster.pid")))?,
            log: Path::new(folder).with_file_name("log"),
            cluster,
            data: data.to_owned(),
            program: program.to_owned(),
            runtime: tokio::runtime::Runtime::new().map_err(Failed::at("tokio"))?,
            tenants: tenants.to_owned(),
        };
        stage.make(DATABASE)?;
        stage.apply(DATABASE)?;
        Ok(stage)
    }

    /// Makes a database anew and migrates it.
    pub fn make(&self, database: &str) -> Result<(), Failed> {
        self.cluster
            .drop_database(database)
            .and_then(|()| self.cluster.create_database(database, None))
            .map_err(Failed::at(database))?;
        for arguments in [&["migrate"][..], &["keys", "register"]] {
            run(self
                .madoguchi()
                .args(arguments)
                .env("MADOGUCHI__DATABASE__URL", self.cluster.service_url(database))
                .env("MADOGUCHI__DATABASE__OWNER_URL", self.cluster.owner_url(database)))?;
        }
        Ok(())
    }

    /// The binary with its database, its keys and throttles out of the way: one machine plays a crowd here.
    pub fn madoguchi(&self) -> Command {
        self.equipped(Command::new(&self.program))
    }

    /// The product's binary as the handbook's unit starts it: PostgreSQL goes first. Where there are no control groups of
    /// ours to say so by, a session of its own says it. It ends with us, however we end.
    pub fn service(&self) -> Command {
        const GIVE_WAY: &str = "echo 5 >/proc/self/autogroup 2>/dev/null; exec \"$@\"";
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "setsid", "sh", "-c", GIVE_WAY, "sh"])
            .arg(&self.program);
        self.equipped(command)
    }

    fn equipped(&self, mut command: Command) -> Command {
        let endless = "1000000000";
        command
            .current_dir(&self.data)
            .env("MADOGUCHI__DATABASE__URL", self.cluster.service_url(DATABASE))
            .env("MADOGUCHI__MAIL__URL", "smtp://127.0.0.1:9")
            .env("MADOGUCHI__KEYS__CURRENT", "bench")
            .env("MADOGUCHI__KEYS__RING__BENCH", STANDARD.encode(KEY))
            .env("MADOGUCHI__KEYS__NAMES", STANDARD.encode(NAMES_KEY))
            .env("MADOGUCHI__LIMITS__LOG_INS", endless)
            .env("MADOGUCHI__LIMITS__LOG_IN_TRIES", endless)
            .env("MADOGUCHI__LIMITS__LOG_IN_ID_TRIES", endless)
            .env("MADOGUCHI__LIMITS__LOG_IN_NETWORK_TRIES", endless)
            .stdin(Stdio::null());
        command
    }

    /// Runs SQL as the superuser; answers the rows.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String, Failed> {
        self.cluster.sql(database, sql).map_err(Failed::at(database))
    }

    /// Seconds of processor time that PostgreSQL has used.
    pub fn database_seconds(&self) -> f64 {
        processes::family_seconds(self.postmaster)
    }

    /// Members of one insurer, each with an account, its consents and a session.
    pub fn members(&self, count: usize) -> Result<Vec<Member>, Failed> {
        self.import(count)?;
        self.runtime.block_on(self.register(count))
    }

    /// So many insurers, copies of [`INSURER`]; those of an earlier measure stay.
    pub fn insurers(&self, many: i32) -> Result<Vec<Insurer>, Failed> {
        let mut insurers = Vec::new();
        for tenant in COPIES..COPIES + many {
            let body = format!("33{:05}", tenant - COPIES);
            let code =
                InsurerCode::with_check_digit(&body).map_err(|_| Failed(format!("no code begins with {body}")))?;
            insurers.push(Insurer { tenant, code });
        }
        let of = format!("old.insurer_code = '{INSURER}'");
        let sql = [into(&insurers), copied("insurers", &of, ", 'insurer_code', code")].concat();
        self.sql(DATABASE, &sql)?;
        Ok(insurers)
    }

    /// A member as one of each of so many insurers: copies of the insurer, the person, the account, its consents and the
    /// session, whose secret opens each of them under the insurer's own number.
    pub fn spread(&self, member: &Member, insurers: i32) -> Result<Vec<Member>, Failed> {
        let (of, secret) = member
            .session
            .split_once('.')
            .ok_or_else(|| Failed("not a session".into()))?;
        let insurers = self.insurers(insurers)?;
        let mut sql = into(&insurers);
        for table in ["persons", "accounts", "consents", "sessions", "notices"] {
            let own = match table {
                "consents" => ", 'owner', CASE WHEN old.owner = old.tenant_id THEN tenant ELSE old.owner END",
                _ => "",
            };
            sql += &copied(table, &format!("old.tenant_id = {of}"), own);
        }
        self.sql(DATABASE, &sql)?;
        let session = |insurer: &Insurer| format!("{}.{secret}", insurer.tenant);
        Ok(insurers
            .iter()
            .map(|insurer| Member {
                user_id: member.user_id.clone(),
                session: session(insurer),
            })
            .collect())
    }

    /// Applies the platform and [`INSURER`] to a database.
    pub fn apply(&self, database: &str) -> Result<(), Failed> {
        let mut apply = self.madoguchi();
        apply
            .args(["tenant", "apply"])
            .env("MADOGUCHI__DATABASE__URL", self.cluster.service_url(database));
        for folder in ["_platform", INSURER] {
            apply.arg(self.tenants.join(folder));
        }
        run(&mut apply)
    }

    /// A roster of so many insured persons of different numbers.
    fn import(&self, count: usize) -> Result<(), Failed> {
        let mut csv = "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称\n".to_owned();
        for number in 1..=count {
            let _ = writeln!(csv, "100,{number},00,ケンポ　タロウ,健保　太郎,19850401,本人");
        }
        let file = self.data.join("roster.csv");
        fs::write(&file, csv).map_err(Failed::at(file.display()))?;
        self.bring(INSURER, &file)
    }

    /// Imports an insurer's whole roster from a file, by the release binary.
    pub fn bring(&self, code: &str, file: &Path) -> Result<(), Failed> {
        run(self
            .madoguchi()
            .args(["roster", "import", code])
            .arg(file)
            .arg("--allow-loss"))
    }

    /// The product in this process, on a database of the stage's, which its keys open to it.
    pub async fn app(&self, database: &str, transport: Transport) -> Result<App, Failed> {
        let mut config = Config::defaults().map_err(Failed::at("configuration"))?;
        config.database.url = self.cluster.service_url(database);
        config.keys = KeysConfig {
            current: "bench".into(),
            ring: [("bench".into(), STANDARD.encode(KEY))].into(),
            names: STANDARD.encode(NAMES_KEY),
            names_old: String::new(),
        };
        let app = App::new(&config, Clock::system(), transport, modules::modules)
            .map_err(Failed::at("the product in this process"))?;
        app.key_proof.ask().await.map_err(Failed::at("keys"))?;
        Ok(app)
    }

    /// Signs everybody up who isn't yet, in this process, with the mail caught in memory.
    async fn register(&self, count: usize) -> Result<Vec<Member>, Failed> {
        let mailbox = Mailbox::new();
        let app = self.app(DATABASE, Transport::Mailbox(mailbox.clone())).await?;
        let accounts = &app.accounts;
        let origin = Origin::command();
        let mut members = Vec::new();
        for number in 1..=count {
            let user_id = format!("bench-{number}");
            let form = LogInForm {
                user_id: user_id.clone(),
                password: PASSWORD.into(),
                device: None,
            };
            let logged_in = match accounts.log_in(&origin, "bench", form.clone()).await.map_err(outage)? {
                Outcome::Done(logged_in) => logged_in,
                Outcome::Refused(_) => {
                    self.sign_up(&app, &mailbox, number, &user_id).await?;
                    done(accounts.log_in(&origin, "bench", form).await)?
                }
            };
            let member = done(accounts.enter(Carrier::Cookie, &logged_in.session).await)?;
            let choices: Vec<TermsChoice> = member
                .consents_due
                .iter()
                .map(|due| TermsChoice {
                    document: due.document.clone(),
                    revision: due.revision,
                })
                .collect();
            if !choices.is_empty() {
                done(accounts.consent(&origin, &member, &choices).await)?;
            }
            members.push(Member {
                user_id,
                session: logged_in.session.reveal(),
            });
        }
        app.ground.database.close();
        Ok(members)
    }

    async fn sign_up(&self, app: &App, mailbox: &Mailbox, number: usize, user_id: &str) -> Result<(), Failed> {
        let accounts = &app.accounts;
        let origin = Origin::command();
        let identity = IdentityForm {
            insurer_code: INSURER.into(),
            symbol: "100".into(),
            number: number.to_string(),
            birth: BirthForm::Iso("1985-04-01".into()),
            kana_name: "ケンポ　タロウ".into(),
            employee_number: None,
        };
        let ticket = done(accounts.identify(&origin, &identity).await)?.ticket;
        let email = format!("{user_id}@example.jp");
        let form = AccountForm {
            user_id: user_id.to_owned(),
            password: PASSWORD.into(),
            email: Some(email.clone()),
            asked: None,
        };
        done(accounts.create(&origin, &ticket, form).await)?;
        app.worker.run_once().await.map_err(Failed::at("mail"))?;
        let mails = mailbox.mails_to(&email);
        let text = mails.first().map_or("", |mail| mail.text.as_str());
        let code = text
            .split(|c: char| !c.is_ascii_digit())
            .find(|digits| digits.len() == 6);
        done(accounts.confirm(&origin, &ticket, code.unwrap_or_default()).await)?;
        Ok(())
    }
}

/// SQL that says which insurers [`copied`] copies into.
pub fn into(insurers: &[Insurer]) -> String {
    let mut sql = "CREATE TEMP TABLE copies (tenant int, code text);\n".to_owned();
    for Insurer { tenant, code } in insurers {
        let _ = writeln!(sql, "INSERT INTO copies VALUES ({tenant}, '{code}');");
    }
    sql
}

/// SQL that copies these rows of a table into each of the insurers, but what is their own; what stands there already stays.
pub fn copied(table: &str, of: &str, own: &str) -> String {
    // What a table generates by itself can't be given.
    format!(
        "DO $do$ BEGIN EXECUTE (
             SELECT format($f$
                 INSERT INTO {table} (%1$s) SELECT %2$s FROM {table} AS old, copies,
                     jsonb_populate_record(old, jsonb_build_object('tenant_id', tenant{own})) AS new
                 WHERE {of} ON CONFLICT DO NOTHING $f$,
                 string_agg(quote_ident(attname), ', '), string_agg('new.' || quote_ident(attname), ', '))
             FROM pg_attribute
             WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
         ); END $do$;
         ANALYZE {table};\n"
    )
}

fn done<T>(outcome: Result<Outcome<T>, Outage>) -> Result<T, Failed> {
    match outcome.map_err(outage)? {
        Outcome::Done(value) => Ok(value),
        Outcome::Refused(refusal) => Err(Failed(format!("a member could not be made: {refusal:?}"))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn outage(outage: Outage) -> Failed {
    Failed(outage.to_string())
}

/// Runs a program to its end; it is heard only where it fails.
pub fn run(command: &mut Command) -> Result<(), Failed> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(Failed::at(&name))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Failed(format!(
        "{name}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&said).trim_end()
    )))
}
