//! What the desk, or a program that it works with, does for somebody who wrote or came: narrower for anybody, wider only for whom
//! nobody else can have made the account in their name, once staff have made sure of who asks. While they are protected nobody
//! else is added.

use super::{AskedBy, Disclosures, kinds_of, list, list::Kept, tell, usual};
use crate::{kind::Kind, schema::disclosures as t, visibility::Audience};
use accounts::{Desk, Identified, Proof};
use audit::{Actor, Entry};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Field, FieldError, Outage, Outcome, Problem, Reason, Refusal, RefusalKind, Words};
use roster::Person;
use serde_json::{Value, json};
use tenancy::Insurer;

/// Somebody for whom the desk is asked.
#[derive(Debug, Clone)]
pub struct Whose {
    /// Who.
    pub person: Person,
    /// How their account was proven; none where they have none.
    pub proof: Option<Proof>,
    /// Nobody may find them.
    pub is_protected: bool,
}

impl Whose {
    /// Why the desk doesn't widen who sees their rows to these; none where it may.
    pub fn bound(&self, to: Option<Audience>) -> Option<Reason> {
        match self.proof {
            // They alone see them again.
            Some(Proof::Letter) if to == Some(Audience::SelfOnly) => None,
            _ if self.is_protected => Some(PROTECTED),
            Some(Proof::Facts) => Some(UNPROVEN),
            Some(Proof::Letter) | None => None,
        }
    }
}

/// Who sees somebody's rows of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Of what.
    pub kind: Kind,
    /// What they have asked for, if anything.
    pub kept: Option<Kept>,
    /// Who sees them while they have asked for nothing.
    pub usual: Audience,
}

impl Standing {
    /// What they have asked for.
    pub fn said(&self) -> Option<Audience> {
        self.kept.map(|kept| kept.audience)
    }

    /// Who sees them now.
    pub fn in_force(&self) -> Audience {
        self.said().unwrap_or(self.usual)
    }
}

/// What is asked for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeskWish {
    /// Of what.
    pub kind: Kind,
    /// Who is to see their rows; none for nothing asked for any more.
    pub audience: Option<Audience>,
    /// What they had asked for as the desk was shown it.
    pub shown: Option<Audience>,
}

impl DeskWish {
    /// What is kept of it: nothing of who asks for the household where that is usual.
    pub fn kept(&self, standing: &Standing) -> Option<Audience> {
        let is_usual = |to: &Audience| *to == Audience::Household && standing.usual == Audience::Household;
        self.audience.filter(|to| !is_usual(to))
    }

    /// True where more people may see the rows by it, now or once the insurer makes something else usual.
    pub fn widens(&self, standing: &Standing) -> bool {
        match self.audience {
            Some(audience) => audience < standing.in_force(),
            None => standing.said().is_some_and(|said| said > Audience::Household),
        }
    }
}

impl Disclosures {
    /// Who sees somebody's rows, of each kind that the insurer offers.
    pub async fn standing(
        &self,
        tx: &TenantTransaction,
        insurer: &Insurer,
        person: &Person,
    ) -> Result<Vec<Standing>, DatabaseError> {
        let kept = list::of(tx, list::Filter::default(), &[person.person_id]).await?;
        let standing = |kind| Standing {
            kind,
            kept: kept.iter().find(|kept| kept.kind == kind).copied(),
            usual: usual(insurer, person, kind, self.clock.now()),
        };
        Ok(kinds_of(insurer).into_iter().map(standing).collect())
    }

    /// Does what is asked, all or nothing, and ends the transaction, in which `whose` was read. What widens takes a word on how
    /// staff made sure of who asks.
    pub async fn change_for(
        &self,
        mut tx: TenantTransaction,
        by: Desk<'_>,
        whose: &Whose,
        wishes: &[DeskWish],
        identified: Option<Identified>,
    ) -> Result<Outcome<()>, Outage> {
        let standing = self.standing(&tx, by.insurer, &whose.person).await?;
        let of = |wish: &DeskWish| standing.iter().find(|one| one.kind == wish.kind);
        let pairs: Vec<(&DeskWish, &Standing)> = wishes.iter().filter_map(|wish| Some((wish, of(wish)?))).collect();
        if pairs.iter().any(|(wish, standing)| wish.shown != standing.said()) {
            return Ok(MEANWHILE.into());
        }
        let is_widened = pairs.iter().any(|(wish, standing)| wish.widens(standing));
        let bound = |(wish, standing): &(&DeskWish, &Standing)| {
            let bound = whose.bound(wish.audience);
            bound.filter(|_| wish.widens(standing))
        };
        let bound = pairs.iter().find_map(bound);
        if let Some(reason) = bound {
            self.note(&tx, by, whose, reason.code, json!({})).await?;
            tx.commit().await?;
            return Ok(reason.into());
        }
        if is_widened && identified.is_none() {
            return Ok(Refusal::field(FieldError::new(IDENTIFIED, Problem::Empty)).into());
        }
        let mut changed = Vec::new();
        for (wish, standing) in pairs {
            if !self.keep(&mut tx, by.actor, whose, (wish, standing)).await? {
                return Ok(MEANWHILE.into());
            }
            let (from, to) = (standing.in_force(), wish.audience.unwrap_or(standing.usual));
            let identified = identified.filter(|_| wish.widens(standing)).map(Identified::as_str);
            let detail = json!({
                "kind": wish.kind, "from": from.as_str(), "to": to.as_str(), "identified": identified,
            });
            self.note(&tx, by, whose, "done", detail).await?;
            if from != to {
                changed.push(wish.kind);
            }
        }
        // Of whoever is protected no program is told anything.
        if !whose.is_protected {
            tell(&mut tx, self.clock.now(), whose.person.person_id, &changed);
        }
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Keeps one wish where nobody was faster.
    async fn keep(
        &self,
        tx: &mut TenantTransaction,
        actor: Actor,
        whose: &Whose,
        (wish, standing): (&DeskWish, &Standing),
    ) -> Result<bool, DatabaseError> {
        let (tenant, person, kind) = (tx.tenant(), whose.person.person_id, wish.kind.as_str());
        let by = match actor {
            Actor::Client(_) => AskedBy::Client,
            _ => AskedBy::Staff,
        };
        let told = |to: Audience| {
            (
                t::audience.eq(to.as_str()),
                t::source.eq(by.as_str()),
                t::changed_at.eq(self.clock.now()),
            )
        };
        let key = (t::tenant_id.eq(tenant), t::person_id.eq(person), t::kind.eq(kind));
        let row = |said: Audience| {
            t::table
                .find((tenant, person, kind))
                .filter(t::audience.eq(said.as_str()))
        };
        let written = match (standing.said(), wish.kept(standing)) {
            (None, None) => return Ok(true),
            (None, Some(to)) => {
                let row = diesel::insert_into(t::table).values((key, told(to)));
                row.on_conflict_do_nothing().execute(&mut **tx).await?
            }
            (Some(said), None) => diesel::delete(row(said)).execute(&mut **tx).await?,
            (Some(said), Some(to)) => diesel::update(row(said)).set(told(to)).execute(&mut **tx).await?,
        };
        Ok(written == 1)
    }

    async fn note(
        &self,
        tx: &TenantTransaction,
        by: Desk<'_>,
        whose: &Whose,
        outcome: &'static str,
        detail: Value,
    ) -> Result<(), DatabaseError> {
        let entry = Entry {
            actor: by.actor,
            action: "disclosure.change",
            object: Some(("person", whose.person.person_id.0)),
            outcome,
            detail,
        };
        audit::record(tx, self.clock.now(), by.origin, entry).await
    }
}

/// How staff made sure of who asks.
pub(crate) const IDENTIFIED: Field = Field::new("identified", "本人確認の方法")
    .or_empty("今より広く表示するように変えるときは、本人確認の方法を選んでください");

/// Who asks may be whoever made the account with what the family knows.
pub const UNPROVEN: Reason = Reason {
    code: "disclosure_account_unproven",
    kind: RefusalKind::Forbidden,
    detail: "The account was made with facts of the roster alone. Record that its owner was identified first.",
    words: |_, _| {
        Words::new(
            "先に、本人確認を記録してください",
            "この方のマイページは、名簿の内容だけで登録されています。今より広く表示するように変えるには、資格担当か管理者が、加入者の画面で本人確認を記録する必要があります。何も変更していません。",
            &[],
        )
    },
};

/// Nobody widens what is shown of them.
pub const PROTECTED: Reason = Reason {
    code: "disclosure_protected",
    kind: RefusalKind::Forbidden,
    detail: "Nothing more is shown of whoever is protected.",
    words: |_, _| {
        Words::new(
            "保護している間は、広く表示するように変えられません",
            "何も変更していません。保護を解除してから、もう一度ご本人の希望を確かめてください。",
            &[],
        )
    },
};

/// The person, or a colleague, was faster.
pub const MEANWHILE: Reason = Reason {
    code: "disclosure_meanwhile",
    kind: RefusalKind::Outdated,
    detail: "What was asked for has changed meanwhile. Nothing is done.",
    words: |_, _| {
        Words::new(
            "表示の希望が、ほかで変わりました",
            "この画面を開いたあとに、ご本人かほかの職員が変えました。何も変更していません。今の希望を確かめてから、もう一度選んでください。",
            &[],
        )
    },
};

/// All of them.
pub const REASONS: [Reason; 3] = [UNPROVEN, PROTECTED, MEANWHILE];
