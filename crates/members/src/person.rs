//! A person's page: what each owner says of them, read in one transaction, with the look in the trail before it is shown.

use crate::{
    Members,
    notes::{self, Note},
    sight,
};
use access::{MEMBERS_SUPPORT, Reach};
use accounts::{
    Accounts, Consent, DeskEmailStopped,
    for_staff::{ClosedAccount, Held, Registration, closed_of, consents_of, states_of},
};
use approvals::{About, Action};
use audit::{Line, Look, Origin};
use chrono::{DateTime, NaiveDate};
use database::{DatabaseError, Durability, TenantTransaction};
use futures_util::future::{try_join_all, try_join4};
use guard::sessions;
use kernel::{PersonId, StaffId, calendar};
use mail::SentMail;
use module::Shown;
use pages::{Waits, visit::Trouble};
use roster::{Facts, FormerNumber, Past, Person, Protected, Sight, facts, former_numbers, history, household};
use staff::Clerk;
use std::collections::HashMap;

/// Changes, mails and log-ins listed at most.
const LISTED: i64 = 20;
/// Closed accounts listed at most: of each is asked who closed it.
const CLOSED: i64 = 5;

/// What a person's page shows.
pub(crate) struct View {
    pub facts: Facts,
    /// Of the same number on that day, the person too.
    pub household: Vec<Person>,
    /// Today, or the last day of coverage: a number may be others' by now.
    pub household_on: NaiveDate,
    pub registered: HashMap<PersonId, Registration>,
    pub former: Vec<FormerNumber>,
    pub changes: Vec<Past>,
    pub account: Option<Account>,
    /// Those before it.
    pub closed: Vec<Closed>,
    /// No code is sent any more, for too many wrong ones.
    pub is_out_of_codes: bool,
    pub mails: Vec<SentMail>,
    /// The modules' sections.
    pub panels: Vec<String>,
    /// What staff noted, for those who may read it.
    pub notes: Option<Notes>,
    /// What of them waits for another's agreement.
    pub waits: Vec<Waits>,
}

/// Notes, with the names of their authors.
pub(crate) struct Notes {
    pub list: Vec<Note>,
    pub authors: HashMap<StaffId, String>,
}

/// How somebody is seen.
pub(crate) enum Seen {
    /// As they are.
    Whole(Box<View>),
    /// Protected, by whoever may not see protected people: no more than who they are.
    Veiled(Box<Person>),
}

/// An account with what hangs on it.
pub(crate) struct Account {
    pub held: Held,
    /// Log-ins that are open.
    pub sessions: usize,
    pub consents: Vec<Consent>,
    pub log_ins: Vec<Line>,
    /// The member has stopped a change of its address.
    pub stopped: Option<DeskEmailStopped>,
}

/// An account that is closed, and by whom; of whom the trail says nothing any more there is nobody.
pub(crate) struct Closed {
    pub account: ClosedAccount,
    pub by: Option<ClosedBy>,
}

/// Who closed it.
pub(crate) enum ClosedBy {
    /// Who had it.
    Member,
    /// Staff, by name; empty where they have none any more.
    Staff(String),
}

impl Members {
    /// The page of a person whom the clerk may see; none for everybody else, as for whom there is not.
    pub(crate) async fn person(
        &self,
        accounts: &Accounts,
        origin: &Origin,
        clerk: &Clerk,
        person: PersonId,
    ) -> Result<Option<Seen>, Trouble> {
        let (now, sight) = (self.clock.now(), sight(clerk));
        let tenant = self.database.tenant(clerk.insurer.tenant_id);
        let mut tx = tenant.write(Durability::Safe).await?;
        let Some(facts) = facts(&tx, &sight, person).await? else {
            if sight.protected == Protected::Hidden {
                return Ok(None);
            }
            let behind = Sight {
                protected: Protected::Seen,
                ..sight
            };
            let Some(found) = facts(&tx, &behind, person).await? else {
                return Ok(None);
            };
            audit::look(&tx, now, origin, clerk.actor(), Look::person("member", &person.0)).await?;
            tx.commit().await?;
            return Ok(Some(Seen::Veiled(Box::new(found.person))));
        };
        let today = calendar::today_in_japan(now);
        let last = facts.person.lost_on.and_then(|day| day.pred_opt());
        let household_on = last.map_or(today, |last| last.min(today));
        let (held, (household, former, changes, mails)) = futures_util::future::try_join(
            accounts.held(&tx, person),
            try_join4(
                household(&tx, &sight, person, household_on),
                former_numbers(&tx, person),
                history(&tx, &self.keys, person, LISTED),
                mail::about(&tx, person.0, &mail::UNTOLD, LISTED),
            ),
        )
        .await?;
        let ids: Vec<PersonId> = household.iter().map(|person| person.person_id).collect();
        let registered = states_of(&tx, &ids).await?;
        let is_out_of_codes = accounts.is_out_of_codes(&mut tx, person).await?;
        let account = match held {
            Some(held) => Some(Account {
                sessions: sessions::list(&mut tx, now, held.account_id.0).await?.len(),
                consents: consents_of(&tx, held.account_id).await?,
                stopped: accounts.desk_email_stopped(&tx, held.account_id).await?,
                log_ins: audit::about(&tx, held.account_id.0, &["session.open"], DateTime::UNIX_EPOCH, LISTED).await?,
                held,
            }),
            None => None,
        };
        let closed = closed(&tx, person).await?;
        let shown = Shown {
            person,
            account: account.as_ref().map(|account| account.held.account_id),
            reaches_all: clerk.reach == Reach::All,
            now,
        };
        let panels = self.panels.iter().filter(|panel| clerk.may(panel.permission));
        let panels = try_join_all(panels.map(|panel| (panel.draw)(&tx, &shown))).await?;
        let notes = self.notes(&tx, clerk, person).await?;
        let of_account = account.as_ref().map(|account| account.held.account_id.0);
        let of_account = of_account.map(|id| [(Action::MemberMail, id), (Action::Proof, id)]);
        let about: Vec<About> = of_account
            .into_iter()
            .flatten()
            .chain([(Action::BirthDate, person.0)])
            .collect();
        let waits = Waits::about(&tx, now, clerk, &about).await?;
        audit::look(&tx, now, origin, clerk.actor(), Look::person("member", &person.0)).await?;
        let others: Vec<uuid::Uuid> = ids.iter().filter(|id| **id != person).map(|id| id.0).collect();
        if !others.is_empty() {
            let look = Look::list("household", Vec::new(), &others);
            audit::look(&tx, now, origin, clerk.actor(), look).await?;
        }
        tx.commit().await?;
        Ok(Some(Seen::Whole(Box::new(View {
            facts,
            household,
            household_on,
            registered,
            former,
            changes,
            account,
            closed,
            is_out_of_codes,
            mails,
            panels: panels.into_iter().flatten().collect(),
            notes,
            waits,
        }))))
    }

    async fn notes(&self, tx: &TenantTransaction, clerk: &Clerk, person: PersonId) -> Result<Option<Notes>, Trouble> {
        if !clerk.may(MEMBERS_SUPPORT) {
            return Ok(None);
        }
        let list = notes::list(tx, &self.keys, person).await?;
        let by: Vec<StaffId> = list.iter().map(|note| note.written_by).collect();
        let authors = staff::names(tx, &by).await?;
        Ok(Some(Notes { list, authors }))
    }
}

/// The accounts that a person had before, with who closed each.
async fn closed(tx: &TenantTransaction, person: PersonId) -> Result<Vec<Closed>, DatabaseError> {
    let accounts = closed_of(tx, person, CLOSED).await?;
    let lines = accounts
        .iter()
        .map(|account| audit::about(tx, account.account_id.0, &["account.close"], account.registered_at, 1));
    let lines = try_join_all(lines).await?;
    let by: Vec<Option<Line>> = lines.into_iter().map(|lines| lines.into_iter().next()).collect();
    let staff: Vec<StaffId> = by.iter().flatten().filter_map(staff_of).collect();
    let names = staff::names(tx, &staff).await?;
    let by = by.into_iter().map(|line| {
        let line = line?;
        Some(match staff_of(&line) {
            Some(id) => ClosedBy::Staff(names.get(&id).cloned().unwrap_or_default()),
            None => ClosedBy::Member,
        })
    });
    let closed = accounts.into_iter().zip(by);
    Ok(closed.map(|(account, by)| Closed { account, by }).collect())
}

/// Who of the staff a line is of.
fn staff_of(line: &Line) -> Option<StaffId> {
    line.actor_id.filter(|_| line.actor_kind == "staff").map(StaffId)
}
