//! Staff of a test's insurer and of the platform whose log-in is behind them, in whatever state a test is about.

use crate::{Client, TestApp, execute_within, unique};
use access::{Reach, Role};
use audit::{Channel, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::Durability;
use guard::sessions::{self, Limits, Opening, SubjectKind};
use kernel::{GrantId, StaffId, TenantId};
use std::{ops::Deref, time::Duration};

/// As the console's own sessions.
const LIMITS: Limits = Limits {
    idle: Duration::from_mins(30),
    absolute: Duration::from_hours(12),
};
/// The cookie of the console's sessions.
const COOKIE: &str = "__Host-console";

/// Somebody who works for an insurer or the platform, with a browser that holds a session of theirs.
#[derive(Clone)]
pub struct TestClerk {
    /// Their browser.
    pub client: Client,
    /// In whose rows their session stands.
    pub tenant: TenantId,
    /// Who.
    pub staff_id: StaffId,
    /// The address by which they log in.
    pub email: String,
    /// What their browser's cookie holds.
    pub session: String,
    /// The grant by which they are there, where they are the platform's support.
    pub grant: Option<GrantId>,
}

impl Deref for TestClerk {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl TestApp {
    /// A new clerk of the insurer with these roles, inside, whose second factor is just proven.
    pub async fn clerk(&self, roles: &[Role]) -> TestClerk {
        self.clerk_named("窓口　花子", roles).await
    }

    /// The same under a name of one's own.
    pub async fn clerk_named(&self, name: &str, roles: &[Role]) -> TestClerk {
        let clerk = self.staff(self.tenant(), name, roles, &Reach::All).await;
        self.in_another_browser(&clerk).await
    }

    /// The same with roles that reach the people of some workplaces alone.
    pub async fn clerk_reaching(&self, roles: &[Role], reach: &Reach) -> TestClerk {
        let clerk = self.staff(self.tenant(), "事業　所子", roles, reach).await;
        self.in_another_browser(&clerk).await
    }

    /// A new clerk who has proven their password and no second factor.
    pub async fn pending_clerk(&self, roles: &[Role]) -> TestClerk {
        let clerk = self.staff(self.tenant(), "窓口　待子", roles, &Reach::All).await;
        self.pending_again(&clerk).await
    }

    /// Somebody new of the platform's own staff, inside, whose second factor is just proven.
    pub async fn operator(&self, roles: &[Role]) -> TestClerk {
        let operator = self.staff(TenantId::PLATFORM, "運用　太郎", roles, &Reach::All).await;
        self.in_another_browser(&operator).await
    }

    /// The platform's support, let into the insurer for eight hours.
    pub async fn support(&self) -> TestClerk {
        let operator = self.operator(&[Role::Operator]).await;
        let now = self.clock().now();
        let grant = GrantId::new(now);
        let insert = format!(
            "INSERT INTO support_grants (tenant_id, grant_id, operator_id, operator_name, reason, asked_at, granted_by,
                granted_at, ends_at)
            VALUES ({}, '{}', '{}', '運用　太郎', '調べもののため', '{now}', '{}', '{now}', '{}')",
            self.tenant(),
            grant.0,
            operator.staff_id.0,
            StaffId::new(now).0,
            now + TimeDelta::hours(8),
        );
        self.run_sql(self.tenant(), &insert).await;
        let support = TestClerk {
            tenant: self.tenant(),
            grant: Some(grant),
            ..operator
        };
        self.in_another_browser(&support).await
    }

    /// The same person in another browser: inside, the second factor just proven.
    pub async fn in_another_browser(&self, clerk: &TestClerk) -> TestClerk {
        self.with_session(clerk, Some(self.clock().now())).await
    }

    /// The same person in another browser, where no second factor is proven yet.
    pub async fn pending_again(&self, clerk: &TestClerk) -> TestClerk {
        self.with_session(clerk, None).await
    }

    /// A session as log-in opens it, in a browser of its own.
    async fn with_session(&self, clerk: &TestClerk, proved_at: Option<DateTime<Utc>>) -> TestClerk {
        let origin = Origin {
            channel: Channel::Console,
            ..Origin::worker()
        };
        let kind = match clerk.grant {
            Some(_) => SubjectKind::Support,
            None => SubjectKind::Staff,
        };
        let opening = Opening {
            proved_at,
            grant: clerk.grant.map(|grant| grant.0),
            ..Opening::new(kind, clerk.staff_id.0, LIMITS, "testkit")
        };
        let insurer = self.app.ground.database.tenant(clerk.tenant);
        let tx = insurer.write(Durability::Safe).await.unwrap();
        let session = sessions::open(&tx, self.keys(), self.clock().now(), &origin, opening).await;
        tx.commit().await.unwrap();
        let (client, session) = (self.client(), session.unwrap().reveal());
        client.set_cookie(COOKIE, &session);
        TestClerk {
            client,
            session,
            ..clerk.clone()
        }
    }

    /// A row of staff with its roles, whose browser has no session yet.
    async fn staff(&self, tenant: TenantId, name: &str, roles: &[Role], reach: &Reach) -> TestClerk {
        let now = self.clock().now();
        let clerk = TestClerk {
            client: self.client(),
            tenant,
            staff_id: StaffId::new(now),
            email: format!("{}@staff.example.jp", unique("clerk")),
            session: String::new(),
            grant: None,
        };
        let mut statements = format!(
            "INSERT INTO staff (tenant_id, staff_id, email, email_key, name, guesses, device_guesses, factor_guesses,
                created_at, last_log_in_at)
            VALUES ({tenant}, '{}', '{email}', '{email}', {}, 0, 0, 0, '{now}', '{now}');",
            clerk.staff_id.0,
            quoted(name),
            email = clerk.email,
        );
        for role in roles {
            statements += &granted(&clerk, *role, reach, now);
        }
        self.run_sql(tenant, &statements).await;
        clerk
    }

    /// Gives a clerk one role more.
    pub async fn grant(&self, clerk: &TestClerk, role: Role) {
        let statement = granted(clerk, role, &Reach::All, self.clock().now());
        self.run_sql(clerk.tenant, &statement).await;
    }

    /// Takes a clerk's roles away.
    pub async fn revoke(&self, clerk: &TestClerk) {
        let statement = format!(
            "DELETE FROM staff_roles WHERE tenant_id = {} AND staff_id = '{}'",
            clerk.tenant, clerk.staff_id.0
        );
        self.run_sql(clerk.tenant, &statement).await;
    }

    /// Suspends a clerk and leaves their sessions, as where it happens this very moment.
    pub async fn suspend(&self, clerk: &TestClerk) {
        let statement = format!(
            "UPDATE staff SET suspended_at = '{}', suspended_for = 'colleague' WHERE tenant_id = {} AND staff_id = '{}'",
            self.clock().now(),
            clerk.tenant,
            clerk.staff_id.0
        );
        self.run_sql(clerk.tenant, &statement).await;
    }

    /// Writes as the service does.
    async fn run_sql(&self, tenant: TenantId, statements: &str) {
        execute_within(&self.insurer.service, Some(tenant), statements)
            .await
            .unwrap();
    }
}

fn granted(clerk: &TestClerk, role: Role, reach: &Reach, now: DateTime<Utc>) -> String {
    let (symbols, workplaces) = match reach {
        Reach::All => ("NULL".to_owned(), "NULL".to_owned()),
        Reach::Workplaces { symbols, codes } => (array(symbols), array(codes)),
    };
    format!(
        "INSERT INTO staff_roles (tenant_id, staff_id, role, symbols, workplaces, granted_at)
        VALUES ({}, '{}', '{}', {symbols}, {workplaces}, '{now}');",
        clerk.tenant,
        clerk.staff_id.0,
        role.as_str(),
    )
}

fn array(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("ARRAY[{}]::text[]", quoted.join(", "))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
