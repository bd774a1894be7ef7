//! A statement as somebody sees it, below a banner that says so. It is made of the very parts of the member's own pages; the look is in
//! the trail, with why and with whose rows there are, before anything of it leaves.

use super::{PREVIEW, called, is_veiled, veiled, waiting, ways, write};
use crate::{
    console::HOME,
    kind::Kind,
    preview::{Preview, Reason},
    statement::{Body, Reader, costs, medicines, medicines_month, month, tax},
};
use access::MEMBERS_PROTECT;
use accounts::{Proof, for_staff::proof_of};
use askama::Template;
use audit::Look;
use database::TenantTransaction;
use ground::Ground;
use kernel::PersonId;
use pages::{Reply, Visit, frame::Frame, reply::see_other, visit::Trouble};
use roster::Access;
use staff::Clerk;
use tenancy::FeatureState;
use uuid::Uuid;

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Costs,
    Month,
    Tax,
    Medicines,
    MedicinesMonth,
}

impl Which {
    fn kind(self) -> Kind {
        match self {
            Self::Costs | Self::Month | Self::Tax => Kind::Costs,
            Self::Medicines | Self::MedicinesMonth => Kind::Medicines,
        }
    }
}

#[derive(Template)]
#[template(path = "console/statements_preview_shown.html")]
struct ShownPage {
    frame: Frame,
    /// Whose it is.
    name: String,
    reason: &'static str,
    /// The delivery that is taken for published.
    trial: Option<String>,
    /// False of whoever has not signed up.
    has_account: bool,
    /// Where another reason or page is chosen.
    ask: String,
    /// None where nothing opens for them any more.
    body: Option<Body>,
}

/// `GET /console/statements/preview/:id/…?reason=…[&delivery=…]`. With no reason there is no page.
pub(super) async fn page(ground: Ground, visit: Visit, clerk: Clerk, which: Which) -> Reply {
    let id = PersonId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let ask = format!("{PREVIEW}?person={id}");
    let Some(reason) = Reason::from_word(visit.query.text("reason")) else {
        return Ok(visit.inform(see_other(&ask), "見る画面と理由を選んでください。"));
    };
    let (insurer, kind) = (&clerk.insurer, which.kind());
    match insurer.modules.state(kind.feature()) {
        FeatureState::Open => {}
        FeatureState::Preparing if reason == Reason::BeforePublication => {}
        FeatureState::Preparing | FeatureState::Hidden => return Err(Trouble::NotFound),
    }
    let tx = write(&ground, &clerk).await?;
    let person = roster::person(&tx, id).await?.ok_or(Trouble::NotFound)?;
    if is_veiled(&tx, &clerk, id).await? {
        return veiled(&visit, &clerk, tx, &person).await;
    }
    let trial = match visit.query.text("delivery") {
        "" => None,
        number => {
            let delivery = waiting(&tx, number).await?;
            let delivery = delivery.filter(|one| one.kind == kind && reason == Reason::BeforePublication);
            let Some(delivery) = delivery else {
                let text = "その提供分は、公開前のものではなくなりました。見る画面をもう一度選んでください。";
                return Ok(visit.inform(see_other(&ask), text));
            };
            Some(delivery)
        }
    };
    let proof = proof_of(&tx, id).await?;
    let reader = Reader {
        insurer,
        person: &person,
        proof: proof.unwrap_or(Proof::Facts),
        access: person.access(visit.now, insurer.after_loss_days, insurer.has_statements()),
        now: visit.now,
        ways: ways(id, reason, trial.as_ref()),
        preview: Some((Preview::new(clerk.may(MEMBERS_PROTECT), trial.as_ref()), trial.as_ref())),
    };
    let body = match reader.access {
        Access::Ended => None,
        Access::Full | Access::ReadOnly { .. } | Access::Former { .. } => {
            Some(body(&tx, &reader, &visit, which).await?)
        }
    };
    look(&tx, &visit, &clerk, (id, reason), body.as_ref()).await?;
    tx.commit().await?;
    visit.html(&ShownPage {
        frame: visit.frame().in_section(HOME),
        name: person.called(),
        reason: reason.label(),
        trial: trial.as_ref().map(called),
        has_account: proof.is_some(),
        ask,
        body,
    })
}

async fn body(tx: &TenantTransaction, reader: &Reader<'_>, visit: &Visit, which: Which) -> Result<Body, Trouble> {
    let published = reader.published(tx, which.kind()).await?;
    let (whose, asked) = (visit.query.text("person"), visit.param("month"));
    // What has changed since the member looked is told by what they have seen, which nobody else is told.
    match which {
        Which::Costs => {
            let found = costs::Found::read(tx, reader, published, visit.query.text("year")).await?;
            found.body(reader, whose, None)
        }
        Which::Month => {
            let month = month::asked(asked, reader.kept())?;
            month::body(tx, reader, &published, month).await
        }
        Which::Tax => tax::body(tx, reader, &published, visit.param("year")).await,
        Which::Medicines => {
            let found = medicines::Found::read(tx, reader, &published).await?;
            found.body(reader, whose, None)
        }
        Which::MedicinesMonth => {
            let month = month::asked(asked, reader.kept())?;
            medicines_month::body(tx, reader, &published, month).await
        }
    }
}

/// A line of whose page it is and whose rows are on it; and one of the family that its form names, as a list of them.
async fn look(
    tx: &TenantTransaction,
    visit: &Visit,
    clerk: &Clerk,
    (id, reason): (PersonId, Reason),
    body: Option<&Body>,
) -> Result<(), Trouble> {
    let (actor, origin) = (clerk.actor(), &visit.origin);
    let Some(Body { shown, named, .. }) = body else {
        let look = Look::person("preview", &id.0).because(reason.as_str());
        audit::look(tx, visit.now, origin, actor, look).await?;
        return Ok(());
    };
    let but = |people: &[PersonId], known: &[PersonId]| -> Vec<Uuid> {
        let others = people.iter().filter(|one| **one != id && !known.contains(one));
        others.map(|one| one.0).collect()
    };
    let (others, family) = (but(shown, &[]), but(named, shown));
    let look = Look::person("statements.preview", &id.0).showing(&others);
    audit::look(tx, visit.now, origin, actor, look.because(reason.as_str())).await?;
    if !family.is_empty() {
        let look = Look::list("household", Vec::new(), &family);
        audit::look(tx, visit.now, origin, actor, look).await?;
    }
    Ok(())
}
