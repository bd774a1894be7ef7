//! 名寄せできない登録: people of one number whom nothing typed tells apart. A clerk sees all of them as the roster has them,
//! and notes what became of it, which ends the task.

use super::panels::day;
use access::{LETTERS_PRINT, MEMBERS_PROTECT, Reach};
use accounts::alike::{self, Alike, Candidate, Settled};
use askama::Template;
use audit::Look;
use chrono::NaiveDate;
use database::Durability;
use kernel::{PersonId, Refusal, calendar};
use pages::{Reply, TaskWords, Visit, frame::Frame, reply::see_other, visit::Trouble};
use roster::{Person, protection};
use staff::{Clerk, reasons};
use std::collections::HashSet;
use uuid::Uuid;

/// How home calls the tasks.
pub(super) const TASK: TaskWords = TaskWords {
    module: alike::MODULE,
    state: alike::STATE,
    text: "名寄せできない登録の確認",
    path: "#names",
};

/// One of them on home: nobody's name.
pub(super) struct Line {
    pub(super) path: String,
    pub(super) since: String,
    pub(super) people: usize,
}

impl Line {
    pub(super) fn of(alike: &Alike) -> Self {
        Self {
            path: path(alike.id),
            since: day(alike.since),
            people: alike.people.len(),
        }
    }
}

#[derive(Template)]
#[template(path = "console/names.html")]
struct NamesPage {
    frame: Frame,
    path: String,
    since: String,
    candidates: Vec<Shown>,
    choices: [Choice; 3],
}

/// One of them, as the roster has them.
struct Shown {
    /// For whom a letter is printed; none where there is nobody to print one for.
    letter: Option<PersonId>,
    /// Protected, and more than the name is not for this clerk.
    is_veiled: bool,
    number: String,
    name: String,
    kana_name: String,
    birth_date: String,
    relationship: String,
    workplace_code: String,
    employee_number: String,
    covered: String,
    registered: bool,
}

impl Shown {
    fn of(Candidate { person, registered }: Candidate, prints: bool) -> Self {
        let day = |day: Option<NaiveDate>| day.map(|day| day.format("%Y-%m-%d").to_string()).unwrap_or_default();
        Self {
            letter: (prints && !registered).then_some(person.person_id),
            is_veiled: false,
            number: [person.symbol.as_str(), person.number.as_str(), person.branch.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("・"),
            name: person.called(),
            kana_name: person.kana_name.as_str().to_owned(),
            birth_date: calendar::date_both(person.birth_date.date()),
            covered: format!("{}～{}", day(person.acquired_on), day(person.lost_on)),
            relationship: person.relationship,
            workplace_code: person.workplace_code,
            employee_number: person
                .employee_number
                .map(|number| number.as_str().to_owned())
                .unwrap_or_default(),
            registered,
        }
    }

    /// All that whoever may not see a protected person sees of one.
    fn veiled(person: &Person) -> Self {
        Self {
            letter: None,
            is_veiled: true,
            number: String::new(),
            name: person.called(),
            kana_name: String::new(),
            birth_date: String::new(),
            relationship: person.relationship.clone(),
            workplace_code: String::new(),
            employee_number: String::new(),
            covered: String::new(),
            registered: false,
        }
    }
}

/// What may have become of it.
struct Choice {
    value: &'static str,
    words: &'static str,
    is_chosen: bool,
}

fn choices(typed: &str) -> [Choice; 3] {
    Settled::ALL.map(|settled| Choice {
        value: settled.as_str(),
        words: match settled {
            Settled::Called => "電話などで本人と話し、どうするかを案内した",
            Settled::Mending => "名簿を直すことにした（次の取り込みで区別できるようになる）",
            Settled::Nothing => "対応しなくてよいことが分かった",
        },
        is_chosen: settled.as_str() == typed,
    })
}

/// `GET /console/names/:id`: whoever is shown was looked at.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit, &clerk)?;
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let mut tx = tenant.write(Durability::Safe).await?;
    let alike = alike::one(&tx, id).await?.ok_or(Trouble::NotFound)?;
    let candidates = alike::candidates(&mut tx, &alike).await?;
    let people: Vec<PersonId> = candidates.iter().map(|candidate| candidate.person.person_id).collect();
    let protected = if clerk.may(MEMBERS_PROTECT) {
        HashSet::new()
    } else {
        protection::protected_of(&tx, &people).await?
    };
    let seen: Vec<Uuid> = candidates
        .iter()
        .map(|candidate| candidate.person.person_id.0)
        .collect();
    let look = Look::list("names", vec![], &seen);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let again = visit.again().await;
    let shown = |candidate: Candidate| {
        if protected.contains(&candidate.person.person_id) {
            Shown::veiled(&candidate.person)
        } else {
            Shown::of(candidate, clerk.may(LETTERS_PRINT))
        }
    };
    visit.html(&NamesPage {
        frame: visit.frame().in_section("/console/").with_errors(again.errors),
        path: path(id),
        since: day(alike.since),
        candidates: candidates.into_iter().map(shown).collect(),
        choices: choices(again.typed.text("settled")),
    })
}

/// `POST /console/names/:id`.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    let id = asked(&visit, &clerk)?;
    let settled = match Settled::read(visit.form.text("settled")) {
        Ok(settled) => settled,
        Err(error) => return Ok(visit.form_again(&Refusal::field(error), &path(id), &["settled"]).await),
    };
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let mut tx = tenant.write(Durability::Safe).await?;
    let by = (clerk.actor(), &visit.origin);
    let noted = alike::note(&mut tx, visit.now, by, id, settled).await?;
    tx.commit().await?;
    let home = see_other("/console/");
    Ok(if noted {
        visit.done(home, "対応の結果を記録しました。")
    } else {
        visit.inform(home, "この件は、すでに対応が終わっています。")
    })
}

/// Whoever is bounded to workplaces has no such tasks.
fn asked(visit: &Visit, clerk: &Clerk) -> Result<Uuid, Trouble> {
    if clerk.reach != Reach::All {
        return Err(reasons::NOT_PERMITTED.into());
    }
    Uuid::try_parse(visit.param("id")).map_err(|_| Trouble::NotFound)
}

fn path(id: Uuid) -> String {
    format!("/console/names/{id}")
}
