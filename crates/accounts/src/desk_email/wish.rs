//! Four eyes on an address that staff set: what it changes, as it is shown before, and how it is set once another has agreed.

use super::DeskEmailChange;
use crate::{Accounts, Desk, close::lock, session::account};
use approvals::{Action, Agreed, Approvals, Asked, Asker, Difference, Performer, Wish};
use audit::Actor;
use database::TenantTransaction;
use kernel::{AccountId, EmailAddress, Outage, Outcome, StaffId, outcome};
use serde_json::{Value, json};

/// What setting an address would change: label, before, after.
pub fn email_difference(present: &str, email: &EmailAddress) -> Difference {
    vec![("メールアドレス".into(), present.to_owned(), email.as_str().to_owned())]
}

impl Accounts {
    /// Asks to set an address, or sets it at once where nobody else need agree. Another code for an address that is under way
    /// changes nothing, and is asked of nobody.
    pub async fn ask_desk_email(
        &self,
        tx: &mut TenantTransaction,
        approvals: &Approvals,
        (by, staff): (Desk<'_>, StaffId),
        (id, email): (AccountId, &EmailAddress),
    ) -> Result<Outcome<Asked>, Outage> {
        let is_under_way = |change: &DeskEmailChange| !change.is_proven && change.email == email.as_str();
        if !self.desk_email(tx, id).await?.as_ref().is_some_and(is_under_way) {
            // Of two who ask at the same time the second finds the wish of the first.
            let Some(found) = lock(tx, id).await? else {
                return Ok(outcome::NOT_FOUND.into());
            };
            let wish = Wish {
                action: Action::MemberMail,
                kind: "",
                subject: id.0,
                person: Some(found.person_id),
                beneficiary: None,
                also: [].into(),
                parameters: json!({ "email": email.as_str() }),
                difference: self.desk_email_difference(tx, id, email).await?.unwrap_or_default(),
            };
            let asker = Asker {
                staff_id: staff,
                actor: by.actor,
                origin: by.origin,
            };
            match approvals.ask(tx, self.clock.now(), asker, wish).await? {
                Outcome::Done(Asked::GoesOn) => {}
                other => return Ok(other),
            }
        }
        let set = self.set_desk_email(tx, by, staff, (id, email)).await?;
        if matches!(set, Outcome::Done(_)) {
            approvals.end(tx, self.clock.now(), (Action::MemberMail, id.0)).await?;
        }
        Ok(set.map(|_| Asked::GoesOn))
    }

    /// With whose account it is; none where there is no such account any more.
    async fn desk_email_difference(
        &self,
        tx: &TenantTransaction,
        id: AccountId,
        email: &EmailAddress,
    ) -> Result<Option<Difference>, Outage> {
        let Some(found) = account(tx, id).await? else {
            return Ok(None);
        };
        let person = roster::person(tx, found.person_id).await?;
        let name = person.map(|person| person.called()).unwrap_or_default();
        let mut difference = vec![("氏名".to_owned(), name.clone(), name)];
        difference.extend(email_difference(&found.email, email));
        Ok(Some(difference))
    }

    /// How an address is set once another has agreed.
    pub fn desk_email_performer(&self) -> Performer {
        let (seen, used) = (self.clone(), self.clone());
        Performer::new(
            Action::MemberMail,
            "",
            move |tx, agreed| {
                let accounts = seen.clone();
                Box::pin(async move {
                    let Some(email) = wanted(agreed) else {
                        return Ok(outcome::NOT_FOUND.into());
                    };
                    let id = AccountId(agreed.subject);
                    let found = accounts.desk_email_difference(tx, id, &email).await?;
                    Ok(found.map_or(outcome::NOT_FOUND.into(), Outcome::Done))
                })
            },
            move |tx, agreed| {
                let accounts = used.clone();
                Box::pin(async move {
                    let insurer = tenancy::insurer_of(tx).await?;
                    let Some(email) = wanted(agreed) else {
                        return Ok(outcome::NOT_FOUND.into());
                    };
                    let by = Desk {
                        insurer: &insurer,
                        actor: Actor::Staff(agreed.asked_by.0),
                        origin: &agreed.origin,
                    };
                    let what = (AccountId(agreed.subject), &email);
                    let set = accounts.set_desk_email(tx, by, agreed.asked_by, what).await?;
                    Ok(set.map(|_| ()))
                })
            },
        )
    }
}

fn wanted(agreed: &Agreed) -> Option<EmailAddress> {
    let email = agreed.parameters.get("email").and_then(Value::as_str)?;
    EmailAddress::parse(email).ok()
}
