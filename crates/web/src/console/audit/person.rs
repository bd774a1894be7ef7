//! A person whose lines are looked for: by their number, exactly, for whoever reads the trail need not see members.

use super::{AUDIT, Trouble, over_all, write};
use access::MEMBERS_PROTECT;
use askama::Template;
use audit::Look;
use database::TenantTransaction;
use kernel::{Field, FieldError, Number, PersonId, Problem, Refusal, Symbol};
use pages::{Reply, Visit, frame::Frame};
use roster::{
    Sight, protection,
    search::{By, Filter, Found, NumberKeys, search},
};
use staff::Clerk;
use std::collections::HashSet;
use uuid::Uuid;

const SYMBOL: Field = Field::new("symbol", "記号").takes("記号を、名簿のとおりに入力してください");
const NUMBER: Field = Field::new("number", "番号").takes("番号を、名簿のとおりに入力してください");
/// People of one number, with those who had it before.
const MOST: u32 = 50;

/// Somebody who is protected, to whoever may know no more of them.
pub(super) struct Veiled {
    pub(super) id: PersonId,
    pub(super) name: String,
    pub(super) relationship: String,
}

#[derive(Template)]
#[template(path = "console/audit_veiled.html")]
struct VeiledPage {
    frame: Frame,
    name: String,
    relationship: String,
}

#[derive(Template)]
#[template(path = "console/audit_found.html")]
struct FoundPage {
    frame: Frame,
    people: Vec<Person>,
}

struct Person {
    name: String,
    relationship: String,
    branch: String,
    /// None where they are protected and the clerk may not see that.
    id: Option<PersonId>,
}

/// Says who it is and who helps on; that is a look.
pub(super) async fn veiled(visit: &Visit, clerk: &Clerk, tx: TenantTransaction, veiled: Veiled) -> Reply {
    let look = Look::list("audit", vec!["person"], std::slice::from_ref(&veiled.id.0));
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    visit.html(&VeiledPage {
        frame: visit.frame().in_section(AUDIT),
        name: veiled.name,
        relationship: veiled.relationship,
    })
}

/// `POST /console/audit`: the people of a number, which stands in no address.
pub(super) async fn find(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let mut errors = Vec::new();
    let symbol = FieldError::gather(SYMBOL, Symbol::parse(visit.form.text("symbol")), &mut errors);
    let number = FieldError::gather(NUMBER, Number::parse(visit.form.text("number")), &mut errors);
    let tx = write(&visit, &clerk).await?;
    let people = match (symbol, number) {
        (Some(symbol), Some(number)) => numbered(&tx, &symbol, &number).await?,
        _ => vec![],
    };
    if people.is_empty() && errors.is_empty() {
        errors.push(FieldError::new(NUMBER, Problem::Characters));
    }
    if !errors.is_empty() {
        let refusal = Refusal::fields(errors);
        return Ok(visit.form_again(&refusal, AUDIT, &["symbol", "number"]).await);
    }
    let ids: Vec<PersonId> = people.iter().map(|found| found.person_id).collect();
    let veiled = if clerk.may(MEMBERS_PROTECT) {
        HashSet::new()
    } else {
        protection::protected_of(&tx, &ids).await?
    };
    let seen: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let look = Look::list("audit", vec!["number"], &seen);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let person = |found: Found| Person {
        id: (!veiled.contains(&found.person_id)).then_some(found.person_id),
        name: if found.name.is_empty() {
            found.kana_name
        } else {
            found.name
        },
        relationship: found.relationship,
        branch: found.branch,
    };
    visit.html(&FoundPage {
        frame: visit.frame().in_section(AUDIT),
        people: people.into_iter().map(person).collect(),
    })
}

/// Whoever has or had the number, whether they are covered or not: the trail is about all of them.
async fn numbered(tx: &TenantTransaction, symbol: &Symbol, number: &Number) -> Result<Vec<Found>, Trouble> {
    let keys = [NumberKeys {
        symbol: symbol.key().to_owned(),
        number: number.key().to_owned(),
        branch: String::new(),
    }];
    let page = search(tx, &Sight::ALL, &Filter::default(), &By::Numbers(&keys), None, MOST).await?;
    Ok(page.people)
}
