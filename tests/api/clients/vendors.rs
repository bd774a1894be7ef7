//! A vendor's client: its home is the platform, and each insurer lets it in by itself.

use super::{asks, is_let_in, is_shut_out, refused};
use access::scope::{INSURER_READ, MEMBERS_READ};
use clients::{Conditions, Naming, reasons};
use futures_util::future::{join, join_all};
use kernel::{Outage, Outcome, TenantId};
use testkit::{TestApp, TestDatabase, TestProgram, by_command, conditions};

const PLATFORM: TenantId = TenantId::PLATFORM;

fn done<T>(outcome: Result<Outcome<T>, Outage>) -> T {
    match outcome.unwrap() {
        Outcome::Done(done) => done,
        Outcome::Refused(refusal) => panic!("{refusal:?}"),
    }
}

/// Two insurers' grants of one vendor's client, with a token for each.
struct Vendor {
    app: TestApp,
    other: TestDatabase,
    here: TestProgram,
    there: TestProgram,
}

impl Vendor {
    async fn new() -> Self {
        let (app, other) = (TestApp::start().await, TestDatabase::new().await);
        let program = app.client_at(PLATFORM, Conditions::default()).await;
        let name = program.name.to_string();
        for insurer in [app.tenant(), other.tenant] {
            done(
                app.clients
                    .grant(insurer, &name, &conditions(&[INSURER_READ]), by_command())
                    .await,
            );
        }
        let mut vendor = Self {
            here: program.clone(),
            there: program,
            other,
            app,
        };
        vendor.get_tokens().await;
        vendor
    }

    async fn get_tokens(&mut self) {
        let code = ("insurer_code", self.app.insurer.code.as_str());
        self.here.token = self.here.new_token(&[code]).await;
        let code = ("insurer_code", self.other.code.as_str());
        self.there.token = self.there.new_token(&[code]).await;
    }

    async fn asks_for(&self, code: &str) -> testkit::Answer {
        self.here.ask(&[("insurer_code", code)]).await
    }

    fn id(&self) -> kernel::ClientId {
        self.here.name.client_id
    }
}

fn naming(name: &str) -> Naming {
    Naming {
        name: Some(name.into()),
        contact: None,
    }
}

// security.md 59
#[tokio::test]
async fn a_vendors_token_is_for_the_one_insurer_that_it_names() {
    let vendor = Box::pin(Vendor::new()).await;
    for (program, code) in [
        (&vendor.here, &vendor.app.insurer.code),
        (&vendor.there, &vendor.other.code),
    ] {
        assert_eq!(asks(program).await.json()["insurer"]["code"], code.as_str());
    }
    refused(&vendor.here.ask(&[]).await, 400, "invalid_request");
    let third = TestDatabase::new().await;
    refused(&vendor.asks_for(third.code.as_str()).await, 400, "unauthorized_client");
    // An insurer's own client comes in nowhere else.
    let own = vendor
        .app
        .client_at(vendor.app.tenant(), conditions(&[INSURER_READ]))
        .await;
    let elsewhere = own.ask(&[("insurer_code", vendor.other.code.as_str())]).await;
    refused(&elsewhere, 400, "unauthorized_client");
    let home = own.ask(&[("insurer_code", vendor.app.insurer.code.as_str())]).await;
    assert_eq!(home.status, 200, "{}", home.text);
}

#[tokio::test]
async fn whoever_suspends_a_vendors_client_cuts_it_off_at_every_insurer_before_it_returns() {
    let mut vendor = Box::pin(Vendor::new()).await;
    let id = vendor.id();
    done(vendor.app.clients.suspend(PLATFORM, id, by_command()).await);
    is_shut_out(&vendor.here).await;
    is_shut_out(&vendor.there).await;
    let code = vendor.app.insurer.code.clone();
    refused(&vendor.asks_for(code.as_str()).await, 401, "invalid_client");
    for tenant in [vendor.app.tenant(), vendor.other.tenant] {
        let told = "SELECT action AS line FROM audit_events WHERE object_kind = 'client' AND actor_kind = 'operator'
             AND action <> 'client.grant'";
        let lines = testkit::lines_within(&testkit::service_url(), Some(tenant), told).await;
        assert_eq!(lines, ["client.suspend"]);
    }
    // No insurer lets it in or resumes it meanwhile.
    let tenant = vendor.app.tenant();
    done(vendor.app.clients.resume(tenant, id, by_command()).await);
    refused(&vendor.asks_for(code.as_str()).await, 401, "invalid_client");
    let third = TestDatabase::new().await;
    let name = vendor.here.name.to_string();
    let granted = vendor
        .app
        .clients
        .grant(third.tenant, &name, &conditions(&[INSURER_READ]), by_command())
        .await;
    assert!(granted.unwrap().is_refused(reasons::CLIENT_UNKNOWN));
    assert_eq!(third.count("client_grants", "true").await, 0, "nothing of it stays");
    done(vendor.app.clients.resume(PLATFORM, id, by_command()).await);
    is_shut_out(&vendor.here).await;
    vendor.get_tokens().await;
    is_let_in(&vendor.here).await;
    is_let_in(&vendor.there).await;
}

#[tokio::test]
async fn a_suspension_that_broke_off_half_way_goes_on_where_it_is_done_again() {
    let vendor = Box::pin(Vendor::new()).await;
    let id = vendor.id();
    // As after a crash: the home has written it, and no insurer was told.
    testkit::sql(
        PLATFORM,
        &format!("UPDATE clients SET state = 'suspended' WHERE client_id = '{}'", id.0),
    )
    .await;
    is_let_in(&vendor.here).await;
    let code = vendor.app.insurer.code.clone();
    refused(&vendor.asks_for(code.as_str()).await, 401, "invalid_client");
    done(vendor.app.clients.suspend(PLATFORM, id, by_command()).await);
    is_shut_out(&vendor.here).await;
    is_shut_out(&vendor.there).await;
}

#[tokio::test]
async fn an_insurer_shuts_a_vendors_client_out_for_itself_alone() {
    let mut vendor = Box::pin(Vendor::new()).await;
    let (id, tenant) = (vendor.id(), vendor.app.tenant());
    let code = vendor.app.insurer.code.clone();
    done(vendor.app.clients.suspend(tenant, id, by_command()).await);
    is_shut_out(&vendor.here).await;
    is_let_in(&vendor.there).await;
    refused(&vendor.asks_for(code.as_str()).await, 400, "unauthorized_client");
    // The platform's resuming lifts no insurer's own.
    done(vendor.app.clients.suspend(PLATFORM, id, by_command()).await);
    done(vendor.app.clients.resume(PLATFORM, id, by_command()).await);
    refused(&vendor.asks_for(code.as_str()).await, 400, "unauthorized_client");
    done(vendor.app.clients.resume(tenant, id, by_command()).await);
    vendor.get_tokens().await;
    is_let_in(&vendor.here).await;
    done(vendor.app.clients.ungrant(tenant, id, by_command()).await);
    is_shut_out(&vendor.here).await;
    is_let_in(&vendor.there).await;
    let resumed = vendor.app.clients.resume(tenant, id, by_command()).await.unwrap();
    assert!(resumed.is_refused(reasons::GRANT_ENDED));
    let (name, more) = (vendor.here.name.to_string(), conditions(&[INSURER_READ, MEMBERS_READ]));
    let grant = done(vendor.app.clients.grant(tenant, &name, &more, by_command()).await);
    assert_eq!(grant.scopes.len(), 2);
    let again = vendor
        .app
        .clients
        .grant(tenant, &name, &more, by_command())
        .await
        .unwrap();
    assert!(again.is_refused(reasons::ALREADY_GRANTED));
    vendor.get_tokens().await;
    is_let_in(&vendor.here).await;
}

#[tokio::test]
async fn where_a_vendor_may_come_from_holds_at_every_insurer_for_tokens_that_are_out_already() {
    let mut vendor = Box::pin(Vendor::new()).await;
    let bound = Conditions {
        networks: vec!["203.0.113.0/24".into()],
        ..Conditions::default()
    };
    let id = vendor.id();
    done(vendor.app.clients.change(PLATFORM, id, &bound, by_command()).await);
    is_shut_out(&vendor.here).await;
    is_shut_out(&vendor.there).await;
    let elsewhere = vendor.here.client.clone();
    vendor.here.client = testkit::Client::new(&vendor.app.url, "203.0.113.77");
    vendor.there.client = vendor.here.client.clone();
    vendor.get_tokens().await;
    is_let_in(&vendor.here).await;
    vendor.here.client = elsewhere;
    is_shut_out(&vendor.here).await;
    is_let_in(&vendor.there).await;
}

#[tokio::test]
async fn only_a_vendors_client_that_is_there_is_let_in() {
    let app = TestApp::start().await;
    let own = app.client_at(app.tenant(), conditions(&[INSURER_READ])).await;
    let other = TestDatabase::new().await;
    for (name, field) in [
        (own.name.to_string(), true),
        ("rubbish".to_owned(), true),
        (format!("cl_0_{}", "0".repeat(32)), false),
    ] {
        let granted = app
            .clients
            .grant(other.tenant, &name, &conditions(&[INSURER_READ]), by_command())
            .await;
        let Outcome::Refused(refusal) = granted.unwrap() else {
            panic!("{name}")
        };
        if field {
            assert_eq!(refusal.fields[0].field.name, "client_id");
        } else {
            assert!(refusal.is(reasons::CLIENT_UNKNOWN));
        }
    }
    let empty = app
        .clients
        .grant(other.tenant, &own.name.to_string(), &conditions(&[]), by_command())
        .await;
    assert!(empty.unwrap().is_refused(kernel::outcome::FIELDS));
}

#[tokio::test]
async fn a_vendors_new_name_reaches_every_insurer_that_lets_it_in_and_no_insurer_gives_it_one() {
    let vendor = Box::pin(Vendor::new()).await;
    let (app, id) = (&vendor.app, vendor.id());
    let called = async |program: &TestProgram| asks(program).await.json()["name"].as_str().unwrap().to_owned();
    let before = called(&vendor.here).await;
    let here = app
        .clients
        .rename(app.tenant(), id, &naming("ここでの名前"), by_command())
        .await;
    assert!(here.unwrap().is_refused(kernel::outcome::NOT_FOUND));
    assert_eq!(called(&vendor.here).await, before);
    done(
        app.clients
            .rename(PLATFORM, id, &naming("健診の新しい名前"), by_command())
            .await,
    );
    for program in [&vendor.here, &vendor.there] {
        assert_eq!(called(program).await, "健診の新しい名前");
    }
    // As after a crash: an insurer was not told. Once more goes on, and tells nobody twice.
    testkit::sql(vendor.other.tenant, "UPDATE client_grants SET name = '前の名前'").await;
    done(
        app.clients
            .rename(PLATFORM, id, &naming("健診の新しい名前"), by_command())
            .await,
    );
    assert_eq!(called(&vendor.there).await, "健診の新しい名前");
    let told = "SELECT action AS line FROM audit_events WHERE action = 'client.rename'";
    for (tenant, times) in [(app.tenant(), 1), (vendor.other.tenant, 2)] {
        let lines = testkit::lines_within(&testkit::service_url(), Some(tenant), told).await;
        assert_eq!(lines.len(), times);
    }
    // Who is let in anew has the name of then.
    let tenant = app.tenant();
    done(app.clients.ungrant(tenant, id, by_command()).await);
    testkit::sql(tenant, "UPDATE client_grants SET name = '前の名前'").await;
    let name = vendor.here.name.to_string();
    let grant = done(
        app.clients
            .grant(tenant, &name, &conditions(&[INSURER_READ]), by_command())
            .await,
    );
    assert_eq!(grant.name, "健診の新しい名前");
}

#[tokio::test]
async fn of_what_is_done_to_a_vendors_client_at_one_moment_every_insurer_is_told_what_its_home_says_in_the_end() {
    let vendor = Box::pin(Vendor::new()).await;
    let (clients, id) = (&vendor.app.clients, vendor.id());
    let said_of = async |tenant, columns: &str, table: &str| {
        let query = format!(
            "SELECT concat_ws(' ', {columns}) AS line FROM {table} WHERE client_id = '{}'",
            id.0
        );
        testkit::lines_within(&testkit::service_url(), Some(tenant), &query).await
    };
    for round in 0..5 {
        let names: Vec<Naming> = (0..4).map(|nth| naming(&format!("名前{round}-{nth}"))).collect();
        let renamed = join_all(
            names
                .iter()
                .map(|name| clients.rename(PLATFORM, id, name, by_command())),
        );
        let shut = join(
            clients.suspend(PLATFORM, id, by_command()),
            clients.resume(PLATFORM, id, by_command()),
        );
        let (renamed, (suspended, resumed)) = join(renamed, shut).await;
        renamed.into_iter().chain([suspended, resumed]).for_each(done);
        let at_home = said_of(PLATFORM, "name, state", "clients").await;
        for insurer in [vendor.app.tenant(), vendor.other.tenant] {
            assert_eq!(said_of(insurer, "name, client_state", "client_grants").await, at_home);
        }
    }
}
