//! That an account is its owner's, as staff record it once they have made sure: whoever lives with a member knows the facts of
//! the roster by which an account is made. Two people agree to it wherever two can; one alone takes it back, for that shows
//! nobody more. What hangs on it holds from the next request.

use crate::{
    Accounts, Desk, Identified, Proof,
    close::lock,
    messages::{ProofRecorded, letterhead, sender},
    reasons::PROVEN_ALREADY,
    schema::accounts,
    session::AccountRow,
};
use approvals::{Action, Agreed, Approvals, Asked, Asker, Difference, Performer, Wish};
use audit::Actor;
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{AccountId, EmailAddress, Outage, Outcome, StaffId, calendar, outcome};
use roster::protection::is_protected;
use serde_json::{Value, json};

impl Accounts {
    /// Asks to record that an account's owner was identified, or records it at once where nobody else need agree.
    pub async fn ask_proof(
        &self,
        tx: &mut TenantTransaction,
        approvals: &Approvals,
        (by, staff): (Desk<'_>, StaffId),
        (id, way): (AccountId, Identified),
    ) -> Result<Outcome<Asked>, Outage> {
        let Some(found) = lock(tx, id).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if found.proof == Proof::Letter {
            return Ok(PROVEN_ALREADY.into());
        }
        let wish = Wish {
            action: Action::Proof,
            kind: "",
            subject: id.0,
            person: Some(found.person_id),
            beneficiary: None,
            also: [].into(),
            parameters: json!({ "identified": way.as_str() }),
            difference: proving(tx, &found, way).await?,
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
        self.prove(tx, by, &found, way).await?;
        approvals.end(tx, self.clock.now(), (Action::Proof, id.0)).await?;
        Ok(Outcome::Done(Asked::GoesOn))
    }

    /// Takes back that an account's owner was identified; false where nobody had recorded it. What waits to be recorded ends: it
    /// was asked before.
    pub async fn take_back_proof(
        &self,
        tx: &mut TenantTransaction,
        approvals: &Approvals,
        by: Desk<'_>,
        id: AccountId,
    ) -> Result<bool, Outage> {
        let Some(found) = lock(tx, id).await?.filter(|found| found.proof == Proof::Letter) else {
            return Ok(false);
        };
        self.set_proof(tx, by, &found, (Proof::Facts, None)).await?;
        approvals.end(tx, self.clock.now(), (Action::Proof, id.0)).await?;
        Ok(true)
    }

    /// How it is recorded once another has agreed.
    pub fn proof_performer(&self) -> Performer {
        let used = self.clone();
        Performer::new(
            Action::Proof,
            "",
            move |tx, agreed| {
                Box::pin(async move {
                    Ok(match wanted(tx, agreed).await? {
                        Some((found, way)) => Outcome::Done(proving(tx, &found, way).await?),
                        None => outcome::NOT_FOUND.into(),
                    })
                })
            },
            move |tx, agreed| {
                let accounts = used.clone();
                Box::pin(async move {
                    let insurer = tenancy::insurer_of(tx).await?;
                    let Some((found, way)) = wanted(tx, agreed).await? else {
                        return Ok(outcome::NOT_FOUND.into());
                    };
                    let by = Desk {
                        insurer: &insurer,
                        actor: Actor::Staff(agreed.asked_by.0),
                        origin: &agreed.origin,
                    };
                    accounts.prove(tx, by, &found, way).await?;
                    Ok(Outcome::Done(()))
                })
            },
        )
    }

    /// Records it and tells the member: but whoever is protected may share the mailbox with whom they are protected from.
    async fn prove(
        &self,
        tx: &mut TenantTransaction,
        by: Desk<'_>,
        found: &AccountRow,
        way: Identified,
    ) -> Result<(), Outage> {
        self.set_proof(tx, by, found, (Proof::Letter, Some(way))).await?;
        if is_protected(tx, found.person_id).await? {
            return Ok(());
        }
        let now = self.clock.now();
        let message = ProofRecorded {
            letterhead: letterhead(by.insurer, &self.public_url),
            at: now,
        };
        self.write_to(tx, found, sender(by.insurer), None, &message, now).await
    }

    async fn set_proof(
        &self,
        tx: &mut TenantTransaction,
        by: Desk<'_>,
        found: &AccountRow,
        (to, way): (Proof, Option<Identified>),
    ) -> Result<(), DatabaseError> {
        let tenant = tx.tenant();
        diesel::update(accounts::table.find((tenant, found.account_id)))
            .set(accounts::proof.eq(to.as_str()))
            .execute(&mut **tx)
            .await?;
        let detail = json!({
            "account": found.account_id, "from": found.proof.as_str(), "to": to.as_str(),
            "identified": way.map(Identified::as_str),
        });
        by.record(
            tx,
            self.clock.now(),
            "proof.change",
            ("person", found.person_id.0),
            detail,
        )
        .await
    }
}

/// Whose account it is, as whoever agrees must see it: another address, or another user ID, is another account to agree to. And
/// whose statements it opens: they agree to those of each ward as well.
async fn proving(tx: &TenantTransaction, found: &AccountRow, way: Identified) -> Result<Difference, DatabaseError> {
    let person = roster::person(tx, found.person_id).await?;
    let name = person.as_ref().map(roster::Person::called).unwrap_or_default();
    let email = EmailAddress::parse(&found.email).map_or_else(|_| String::new(), |email| email.mask());
    let same = |label: &str, text: String| (label.to_owned(), text.clone(), text);
    let wards = roster::protection::wards(tx, found.person_id).await?;
    let wards = wards.iter().map(|ward| {
        let text = format!("{}さん（この方が、代わりに手続きする人です）", ward.called());
        (
            "見られるようになる、保護している方の明細".to_owned(),
            String::new(),
            text,
        )
    });
    let mut difference = vec![
        same("氏名", name),
        same("ユーザーID", found.user_id.clone()),
        same("メールアドレス", email),
        same("登録日時", calendar::moment(found.registered_at)),
        (
            "本人確認".to_owned(),
            Proof::Facts.label().to_owned(),
            Proof::Letter.label().to_owned(),
        ),
        ("確かめ方".to_owned(), String::new(), way.label().to_owned()),
    ];
    difference.extend(wards);
    Ok(difference)
}

/// The account of a wish with the way its owner was identified; none where it is closed, or was proven meanwhile.
async fn wanted(tx: &TenantTransaction, agreed: &Agreed) -> Result<Option<(AccountRow, Identified)>, DatabaseError> {
    let way = agreed.parameters.get("identified").and_then(Value::as_str);
    let Some(way) = way.and_then(Identified::from_word) else {
        return Ok(None);
    };
    let found = lock(tx, AccountId(agreed.subject)).await?;
    Ok(found
        .filter(|found| found.proof == Proof::Facts)
        .map(|found| (found, way)))
}
