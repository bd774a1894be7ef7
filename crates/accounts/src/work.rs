//! What the pipeline leaves to workers: matching what strangers asked for without an answer (design.md §4).

use crate::Accounts;
use chrono::NaiveDate;
use jobs::{Job, JobError, Jobs, Worker};
use kernel::{AccountId, Outage, PersonId, TenantId};
use serde::{Deserialize, Serialize};

/// A failed identity.
#[derive(Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Where the person is registered already.
    pub account: Option<AccountId>,
    /// The keys of 記号 and 番号 as typed.
    #[serde(default)]
    pub number: String,
    /// Where it means more than one person.
    pub ambiguous: Option<Ambiguous>,
}

/// People of one number whom a typed identity can't tell apart.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ambiguous {
    pub people: Vec<PersonId>,
}

impl Job for Attempt {
    const QUEUE: &'static str = "sign_up_attempt";
}

/// A forgotten password, by folded user ID. Waits at the platform, since nobody has looked yet whose it is.
#[derive(Serialize, Deserialize)]
pub(crate) struct ForgottenPassword {
    pub folded: String,
}

impl Job for ForgottenPassword {
    const QUEUE: &'static str = "forgotten_password";
}

/// A forgotten user ID, by identity.
#[derive(Serialize, Deserialize)]
pub(crate) struct ForgottenUserId {
    pub symbol: String,
    pub number: String,
    pub birth_date: NaiveDate,
    pub kana_name: String,
    pub employee_number: Option<String>,
}

impl Job for ForgottenUserId {
    const QUEUE: &'static str = "forgotten_user_id";
}

/// Somebody registered whose row an import held: to be noted in the roster.
#[derive(Serialize, Deserialize)]
pub(crate) struct Listed {
    pub person: PersonId,
}

impl Job for Listed {
    const QUEUE: &'static str = "registration_listed";
}

/// The day is over that an address which staff set had to wait.
#[derive(Serialize, Deserialize)]
pub(crate) struct DeskEmailDue {
    pub account: AccountId,
}

impl Job for DeskEmailDue {
    const QUEUE: &'static str = "desk_email_due";
}

impl Accounts {
    /// Adds the pipeline's queues to a worker.
    #[must_use]
    pub fn served_by(&self, worker: Worker) -> Worker {
        worker
            .serving(self.queue(|accounts, tenant, job: Attempt| async move {
                accounts.follow_up(tenant, job).await.map_err(failed)
            }))
            .serving(self.queue(|accounts, _, job: ForgottenPassword| async move {
                accounts.mail_reset(job).await.map_err(failed)
            }))
            .serving(self.queue(|accounts, tenant, job: DeskEmailDue| async move {
                accounts.adopt_desk_email(tenant, job).await.map_err(failed)
            }))
            .serving(self.queue(|accounts, tenant, job: Listed| async move {
                match accounts.list_again(tenant, job).await {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(JobError("an import holds the person".into())),
                    Err(error) => Err(error.into()),
                }
            }))
            .serving(self.queue(|accounts, tenant, job: ForgottenUserId| async move {
                accounts.mail_user_id(tenant, job).await.map_err(failed)
            }))
    }

    fn queue<J: Job, F>(&self, work: impl Fn(Self, TenantId, J) -> F + Send + Sync + 'static) -> Jobs
    where
        F: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let accounts = self.clone();
        Jobs::new(
            self.database.clone(),
            self.keys.clone(),
            self.clock.clone(),
            move |tenant, job| work(accounts.clone(), tenant, job),
        )
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn failed(outage: Outage) -> JobError {
    JobError(outage.to_string())
}
