//! Asking for another's agreement where the page itself writes, as a file does: on with it, or a ready answer.

use crate::{
    reply::see_other,
    visit::{Trouble, Visit},
};
use approvals::{Asked, WAITS, Wish};
use database::TenantTransaction;
use kernel::Outcome;
use poem::Response;
use staff::Clerk;
use std::ops::ControlFlow;

impl Visit {
    /// Gives the transaction back where the page goes on, else what it answers: that the wish waits, on `waits`, or why it was
    /// refused, on `refused`, whose form it was.
    pub async fn ask(
        &self,
        mut tx: TenantTransaction,
        clerk: &Clerk,
        wish: Wish,
        (waits, refused): (&str, &str),
    ) -> Result<ControlFlow<Response, TenantTransaction>, Trouble> {
        let approvals = self.services.staff.approvals();
        let asked = approvals
            .ask(&mut tx, self.now, clerk.asker(&self.origin), wish)
            .await?;
        Ok(match asked {
            Outcome::Done(Asked::GoesOn) => ControlFlow::Continue(tx),
            Outcome::Done(Asked::Waits(_)) => {
                tx.commit().await?;
                ControlFlow::Break(self.inform(see_other(waits), WAITS))
            }
            Outcome::Refused(refusal) => ControlFlow::Break(self.form_again(&refusal, refused, &[]).await),
        })
    }
}
