//! What staff leave to workers: looking whose a typed mail address is.

use crate::Staff;
use jobs::{Job, JobError, Jobs, Worker};
use kernel::{Outage, TenantId};
use serde::{Deserialize, Serialize};

/// A forgotten password, by what was typed. Waits at the platform, since nobody has looked yet whose it is.
#[derive(Serialize, Deserialize)]
pub(crate) struct ForgottenPassword {
    /// None for the platform's own staff.
    pub code: Option<String>,
    pub email_key: String,
}

impl Job for ForgottenPassword {
    const QUEUE: &'static str = "forgotten_staff_password";
}

impl Staff {
    /// Adds staff's queues to a worker.
    #[must_use]
    pub fn served_by(&self, worker: Worker) -> Worker {
        let staff = self.clone();
        worker.serving(Jobs::new(
            self.database.clone(),
            self.keys.clone(),
            self.clock.clone(),
            move |_: TenantId, job: ForgottenPassword| {
                let staff = staff.clone();
                async move { staff.mail_reset(job).await.map_err(failed) }
            },
        ))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn failed(outage: Outage) -> JobError {
    JobError(outage.to_string())
}
