//! The real server on a port of its own, with a frozen clock and its mail in a mailbox.

use crate::{
    Answer, COUNTED, Client, Fields, PASSWORD, SignedUp, TestDatabase, TestPerson,
    database::{config, prepare, start},
};
use accounts::{AccountForm, BirthForm, IdentityForm};
use audit::Origin;
use chrono::TimeDelta;
use database::{Durability, TenantTransaction};
use edge::CountedAs;
use kernel::{Clock, Keys, Outage, Outcome, TenantId};
use madoguchi::{
    app::App,
    config::{Config, KeysConfig},
    listener::listen,
    modules::modules,
    serve,
};
use mail::{Delivered, Mailbox, Transport};
use module::Module;
use notices::Notices;
use poem::{EndpointExt as _, Response};
use std::{
    net::Ipv4Addr,
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tenancy::{Features, Folder};
use tokio::sync::watch;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// What a server has done, or did for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Statements sent to the database.
    pub statements: u64,
    /// Transactions begun there.
    pub transactions: u64,
    /// Passwords hashed.
    pub hashes: u64,
}

/// A running server, with an insurer of its own and one person in its roster.
pub struct TestApp {
    /// Where it listens: `http://localhost:PORT`.
    pub url: String,
    /// Everything it runs.
    pub app: App,
    /// What it would have mailed, once [`TestApp::work`] has run.
    pub mailbox: Mailbox,
    /// The insurer.
    pub insurer: TestDatabase,
    /// The person who is in its roster.
    pub person: TestPerson,
    server: tokio::task::JoinHandle<()>,
}

impl Deref for TestApp {
    type Target = App;
    fn deref(&self) -> &App {
        &self.app
    }
}

/// A job that died is work that nobody does: the test fails that leaves one in its insurer without having said so.
impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
        if std::thread::panicking() {
            return;
        }
        let insurer = self.insurer.clone();
        let look = move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(insurer.dead_jobs(insurer.tenant))
        };
        // On a thread of its own: the test's runtime is at its end.
        let dead = std::thread::spawn(look).join().unwrap();
        let expected = self.insurer.expected_dead_jobs.load(Ordering::Relaxed);
        assert_eq!(dead.len(), expected, "jobs left dead: {dead:?}");
    }
}

impl TestApp {
    /// With the settings of 32290413.
    pub async fn start() -> Self {
        Self::with("32290413", |_| (), |_| ()).await
    }

    /// With the settings of a folder under tenants/, both they and the configuration changed at will.
    pub async fn with(folder: &str, change: impl FnOnce(&mut Folder), configure: impl FnOnce(&mut Config)) -> Self {
        let insurer = TestDatabase::with(folder, change).await;
        Box::pin(Self::of(insurer, configure)).await
    }

    /// At an insurer whose members read no statements here: whoever loses coverage has nothing to come in for.
    pub async fn without_statements() -> Self {
        let none = |folder: &mut Folder| folder.settings.modules = Features::default();
        Self::with("32290413", none, |_| ()).await
    }

    /// With one connection, which prepares each statement once: for tests that count statements.
    pub async fn counting() -> Self {
        Self::with("32290413", |_| (), |config| config.database.connections = 1).await
    }

    /// On a database of one's own, which is migrated here: for tests that restart or break it. Needs a runtime of several
    /// threads.
    pub async fn on(owner_url: &str, service_url: &str) -> Self {
        prepare(owner_url, service_url).await;
        let insurer = TestDatabase::at(owner_url, service_url, "32290413", |_| ()).await;
        Self::of(insurer, |_| ()).await
    }

    /// With a module more than the product has.
    pub async fn with_module(module: Module) -> Self {
        let (insurer, person) = (TestDatabase::new().await, TestPerson::new(105));
        insurer.import(std::slice::from_ref(&person)).await;
        Box::pin(Self::node(insurer, person, |_| (), vec![module])).await
    }

    async fn of(insurer: TestDatabase, configure: impl FnOnce(&mut Config)) -> Self {
        let person = TestPerson::new(105);
        insurer.import(std::slice::from_ref(&person)).await;
        Self::node(insurer, person, configure, vec![]).await
    }

    /// Another node beside this one, on the same database and by the same clock, its configuration changed at will.
    pub async fn beside(&self, configure: impl FnOnce(&mut Config)) -> Self {
        Self::node(self.insurer.clone(), self.person.clone(), configure, vec![]).await
    }

    async fn node(
        insurer: TestDatabase,
        person: TestPerson,
        configure: impl FnOnce(&mut Config),
        more: Vec<Module>,
    ) -> Self {
        let (listener, address) = serve::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = format!("http://localhost:{}", address.port());
        let mut settings = Config::defaults().unwrap();
        settings.database = config(&insurer.service);
        settings.http.public_url = url.parse().unwrap();
        // Each client has an address of its own, so tests don't meet in a network's throttle.
        settings.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()];
        let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned();
        settings.keys = KeysConfig {
            current: "test".into(),
            ring: [("test".into(), key)].into(),
            names: "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=".into(),
            names_old: String::new(),
        };
        settings.hash.threads = 1;
        configure(&mut settings);
        let mailbox = Mailbox::new();
        let app = App::new(
            &settings,
            insurer.clock.clone(),
            Transport::Mailbox(mailbox.clone()),
            |ground| [modules(ground), more].concat(),
        )
        .unwrap();
        // A node whose keys are not the right ones serves nobody; that is for its test to see.
        let _ = app.key_proof.ask().await;
        let endpoint = app.endpoint().after(counted);
        let server = tokio::spawn(async move {
            let (_never, stop) = watch::channel(false);
            drop(listen(listener, endpoint, &settings.http, stop).await);
        });
        Self {
            url,
            app,
            mailbox,
            insurer,
            person,
            server,
        }
    }

    /// The tenant of this test.
    pub fn tenant(&self) -> TenantId {
        self.insurer.tenant
    }

    /// A writing transaction of a tenant, on a connection of the server's.
    pub async fn write(&self, tenant: TenantId) -> TenantTransaction {
        let database = &self.app.ground.database;
        database.tenant(tenant).write(Durability::Safe).await.unwrap()
    }

    /// The key ring, as the server has it.
    pub fn keys(&self) -> &Keys {
        &self.app.ground.keys
    }

    /// The notices, as the server has them.
    pub fn notices(&self) -> Notices {
        Notices::new(self.app.ground.database.clone(), self.app.ground.clock.clone())
    }

    /// The frozen clock.
    pub fn clock(&self) -> &Clock {
        &self.insurer.clock
    }

    /// Moves the clock.
    pub fn later(&self, seconds: i64) {
        self.insurer.clock.advance(TimeDelta::seconds(seconds));
    }

    /// Seconds since the clock's start.
    pub fn elapsed(&self) -> TimeDelta {
        self.insurer.clock.now() - start()
    }

    /// Does the insurer's background work that is due until nothing is left: other tests' work is theirs, by their clocks.
    pub async fn work(&self) {
        while self.app.worker.run_once_for(self.tenant()).await.unwrap() > 0 {}
    }

    /// Says that so many jobs of the insurer are to have died by the test's end.
    pub fn expect_dead_jobs(&self, count: usize) {
        self.insurer.expected_dead_jobs.store(count, Ordering::Relaxed);
    }

    /// Does something whose work waits at the platform, as forgotten passwords do, and that work: one test at a time, or
    /// they would take each other's.
    pub async fn with_platform_work<T>(&self, doing: impl Future<Output = T>) -> T {
        static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _turn = TURN.lock().await;
        let dead = self.insurer.dead_jobs(TenantId::PLATFORM).await;
        let done = doing.await;
        while self.app.worker.run_once_for(TenantId::PLATFORM).await.unwrap() > 0 {}
        assert_eq!(self.insurer.dead_jobs(TenantId::PLATFORM).await, dead, "jobs left dead");
        self.work().await;
        done
    }

    /// A client with cookies and an address of its own.
    pub fn client(&self) -> Client {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = format!(
            "10.{}.{}.{}",
            std::process::id() % 250,
            number / 250 % 250,
            number % 250 + 1
        );
        Client::new(&self.url, &address)
    }

    /// The mails to an address, newest first, after the work that is due.
    pub async fn mails_to(&self, address: &str) -> Vec<Delivered> {
        self.work().await;
        self.mailbox.mails_to(address)
    }

    /// The six digits last mailed to an address. Somebody else's work may have taken the mail and be about to send it.
    pub async fn code_for(&self, address: &str) -> String {
        let mut mails = self.mails_to(address).await;
        for _ in 0..100 {
            if !mails.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            mails = self.mails_to(address).await;
        }
        let text = &mails.first().unwrap_or_else(|| panic!("no mail to {address}")).text;
        text.split(|c: char| !c.is_ascii_digit())
            .find(|digits| digits.len() == 6)
            .unwrap()
            .to_owned()
    }

    /// Signs the roster's person up through the pages' own use cases.
    pub async fn sign_up(&self) -> SignedUp {
        self.sign_up_as(&self.person.clone()).await
    }

    /// Signs a person of the roster up. User ID and address are unique over all tests.
    pub async fn sign_up_as(&self, person: &TestPerson) -> SignedUp {
        let user_id = unique("user");
        let email = if person.email.is_empty() {
            format!("{user_id}@example.jp")
        } else {
            person.email.clone()
        };
        let accounts = &self.app.accounts;
        let origin = Origin::command();
        let identity = IdentityForm {
            insurer_code: self.insurer.code.as_str().into(),
            symbol: person.symbol.clone(),
            number: person.number.clone(),
            birth: BirthForm::Iso(person.birth_date.clone()),
            kana_name: person.kana_name.clone(),
            employee_number: Some(person.employee_number.clone()),
        };
        let ticket = done(accounts.identify(&origin, &identity).await).ticket;
        let form = AccountForm {
            user_id: user_id.clone(),
            password: PASSWORD.into(),
            email: Some(email.clone()),
            asked: None,
        };
        done(accounts.create(&origin, &ticket, form).await);
        let code = self.code_for(&email).await;
        done(accounts.confirm(&origin, &ticket, &code).await);
        SignedUp {
            person: person.clone(),
            user_id,
            email,
        }
    }

    /// A client that is signed up, logged in and has accepted the terms.
    pub async fn member(&self) -> (Client, SignedUp) {
        let signed_up = self.sign_up().await;
        let client = self.inside(&signed_up).await;
        (client, signed_up)
    }

    /// Another client of somebody who is signed up: logged in, terms accepted.
    pub async fn inside(&self, who: &SignedUp) -> Client {
        let client = self.client();
        let answer = client.log_in(who).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        if answer.location().starts_with("/portal/terms") {
            let answer = client.accept_terms().await;
            assert_eq!(answer.status, 303, "{}", answer.text);
        }
        client
    }

    /// What the identity page sends for a person.
    pub fn identity(&self, person: &TestPerson) -> Fields {
        let date: Vec<&str> = person
            .birth_date
            .split('-')
            .map(|part| part.trim_start_matches('0'))
            .collect();
        let mut fields = Fields::new(&[
            ("insurer_code", self.insurer.code.as_str()),
            ("symbol", &person.symbol),
            ("number", &person.number),
            ("birth_year", date[0]),
            ("birth_month", date[1]),
            ("birth_day", date[2]),
            ("kana_name", &person.kana_name),
        ]);
        if self.insurer.insurer.sign_up.employee_number {
            fields = fields.with("employee_number", &person.employee_number);
        }
        fields
    }

    /// A client that has passed the identity page.
    pub async fn identified(&self) -> Client {
        let client = self.client();
        let answer = client.send_form("/portal/signup", &self.identity(&self.person)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (303, "/portal/signup/account"),
            "{}",
            answer.text
        );
        client
    }

    /// A client that has passed the account page and waits for its code, with its user ID and address.
    pub async fn waiting_for_code(&self) -> (Client, String, String) {
        let client = self.identified().await;
        let user_id = unique("user");
        let email = format!("{user_id}@example.jp");
        let answer = client
            .send_form("/portal/signup/account", &account(&user_id, &email))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (303, "/portal/signup/code"),
            "{}",
            answer.text
        );
        (client, user_id, email)
    }

    /// Fills the line before the hashing threads, from as many networks as it takes, for as long as it is held.
    pub fn crowd(&self) -> Vec<guard::Place> {
        let place = |n: u32| {
            self.app
                .ground
                .hasher
                .place(&from(Ipv4Addr::from_bits(0xC612_0000 + n)))
        };
        (0..).map_while(|n| place(n).ok()).collect()
    }

    /// Fills the line as far as one network may.
    pub fn crowd_of(&self, network: Ipv4Addr) -> Vec<guard::Place> {
        std::iter::from_fn(|| self.app.ground.hasher.place(&from(network)).ok()).collect()
    }

    /// What it has done so far.
    fn done_so_far(&self) -> Cost {
        Cost {
            statements: self.ground.database.statements(),
            transactions: self.ground.database.transactions(),
            hashes: self.ground.hasher.hashes(),
        }
    }

    /// The answer to a form of a page for everybody, and what it cost; the page to which a refused one leads back is shown
    /// and not counted.
    pub async fn cost_of(&self, client: &Client, path: &str, fields: &Fields) -> (Answer, Cost) {
        let before = self.done_so_far();
        let answer = client.post_alone(path, &fields.pairs()).await;
        let after = self.done_so_far();
        let cost = Cost {
            statements: after.statements - before.statements,
            transactions: after.transactions - before.transactions,
            hashes: after.hashes - before.hashes,
        };
        (client.back_to_the_form(answer).await, cost)
    }

    /// Lets every look-up of the insurer and the platform be remembered, so that statements count evenly.
    pub async fn warm(&self) {
        self.app.ground.directory.by_code(&self.insurer.code).await.unwrap();
        self.app.ground.directory.by_tenant(self.tenant()).await.unwrap();
        self.app.ground.directory.platform().await.unwrap();
    }
}

/// Tells tests by what status an answer is counted, where that is another than its own.
async fn counted(answer: poem::Result<Response>) -> poem::Result<Response> {
    answer.map(|mut response| {
        if let Some(CountedAs(status)) = response.data().copied() {
            response.headers_mut().insert(COUNTED, status.as_u16().into());
        }
        response
    })
}

fn from(address: Ipv4Addr) -> Origin {
    Origin {
        address: Some(address.into()),
        ..Origin::worker()
    }
}

/// What the account page sends, with [`PASSWORD`].
pub fn account(user_id: &str, email: &str) -> Fields {
    Fields::new(&[("user_id", user_id), ("password", PASSWORD), ("email", email)])
}

/// A name that no other test uses.
pub fn unique(prefix: &str) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}

pub(crate) fn done<T>(outcome: Result<Outcome<T>, Outage>) -> T {
    match outcome.unwrap() {
        Outcome::Done(done) => done,
        Outcome::Refused(refusal) => panic!("refused: {refusal:?}"),
    }
}
