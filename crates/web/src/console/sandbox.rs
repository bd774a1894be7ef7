//! お試し環境のメール: what would have been sent, of a sandbox alone. Whoever reads a mail can come in as the one to whom it was
//! written, a colleague too, so these are pages of whoever may change the settings. Elsewhere there are none (`pages::console`).

use ::staff::Clerk;
use access::{MEMBERS_PROTECT, SETTINGS_EDIT};
use askama::Template;
use audit::Look;
use database::{DatabaseError, Durability, TenantTransaction};
use kernel::{MailId, PersonId, calendar};
use mail::kept::{self, KeptMail, Reader, Said};
use pages::{Reply, Row, Visit, frame::Frame, kinds, staff, visit::Trouble};
use poem::http::Method;
use roster::protection::not_protected;
use uuid::Uuid;

pub(super) const MAILS: &str = "/console/sandbox/mails";
/// Mails of a page.
const PER_PAGE: usize = 50;

/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    vec![
        staff(Method::GET, MAILS, "console.sandbox.mails", SETTINGS_EDIT, list),
        staff(
            Method::GET,
            "/console/sandbox/mails/:id",
            "console.sandbox.mail",
            SETTINGS_EDIT,
            one,
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/sandbox_mails.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    more: Option<String>,
}

/// A mail of the list.
struct Line {
    path: String,
    at: String,
    subject: String,
    to: String,
    kind: &'static str,
}

#[derive(Template)]
#[template(path = "console/sandbox_mail.html")]
struct OnePage {
    frame: Frame,
    at: String,
    kind: &'static str,
    subject: String,
    said: Option<Shown>,
}

/// What a mail says.
struct Shown {
    from: String,
    to: String,
    parts: Vec<Part>,
}

/// A line of its text.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// An address of ours, which opens.
    Url(String),
}

/// `GET /console/sandbox/mails`.
async fn list(visit: Visit, clerk: Clerk) -> Reply {
    let before = MailId::parse(visit.query.text("before"));
    let limit = i64::try_from(PER_PAGE).unwrap_or_default() + 1;
    let tx = write(&visit, &clerk).await?;
    let mut found = kept::list(&tx, reader(&visit), visit.now, (before, limit), &shown(&clerk)).await?;
    let is_more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let people = people(&tx, &found).await?;
    let look = Look::list("sandbox.mails", vec![], &people);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let last = found.last().filter(|_| is_more);
    visit.html(&ListPage {
        more: last.map(|last| format!("{MAILS}?before={}", last.id)),
        lines: found.into_iter().map(line).collect(),
        frame: visit.frame().in_section(MAILS),
    })
}

/// `GET /console/sandbox/mails/:id`.
async fn one(visit: Visit, clerk: Clerk) -> Reply {
    let id = MailId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let tx = write(&visit, &clerk).await?;
    let found = kept::one(&tx, reader(&visit), visit.now, id, &shown(&clerk)).await?;
    let found = found.ok_or(Trouble::NotFound)?;
    let people = people(&tx, std::slice::from_ref(&found)).await?;
    let look = match people.first() {
        Some(person) => Look::person("sandbox.mail", person),
        None => Look::list("sandbox.mail", vec![], &[]),
    };
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    tx.commit().await?;
    let kind = kinds::mail(&found.template);
    visit.html(&OnePage {
        at: calendar::moment(found.at),
        kind,
        subject: subject(found.said.as_ref(), kind),
        said: found.said.map(|said| Shown {
            parts: parts(&said.text, &[&visit.services.public_url, &visit.services.console_url]),
            from: said.from,
            to: said.to,
        }),
        frame: visit.frame().in_section(MAILS),
    })
}

async fn write(visit: &Visit, clerk: &Clerk) -> Result<TenantTransaction, Trouble> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    Ok(tenant.write(Durability::Safe).await?)
}

fn reader(visit: &Visit) -> Reader<'_> {
    Reader {
        keys: &visit.services.keys,
        registry: &visit.services.mails,
    }
}

/// Which mails the clerk may see: to whoever may not see protected people there are none about them.
fn shown(clerk: &Clerk) -> String {
    if clerk.may(MEMBERS_PROTECT) {
        "true".to_owned()
    } else {
        not_protected("subject_id")
    }
}

/// The people of the roster whom these mails are about; others are about staff.
async fn people(tx: &TenantTransaction, mails: &[KeptMail]) -> Result<Vec<Uuid>, DatabaseError> {
    let mut subjects: Vec<PersonId> = mails.iter().filter_map(|mail| mail.subject_id).map(PersonId).collect();
    subjects.sort();
    subjects.dedup();
    let people = roster::people(tx, &subjects).await?;
    Ok(people.into_iter().map(|person| person.person_id.0).collect())
}

fn line(mail: KeptMail) -> Line {
    let kind = kinds::mail(&mail.template);
    Line {
        path: format!("{MAILS}/{}", mail.id),
        at: calendar::moment(mail.at),
        subject: subject(mail.said.as_ref(), kind),
        to: mail.said.map(|said| said.to).unwrap_or_default(),
        kind,
    }
}

/// Its kind's name in the place of a subject that can't be read.
fn subject(said: Option<&Said>, kind: &str) -> String {
    said.map_or_else(|| kind.to_owned(), |said| said.subject.clone())
}

/// The text line by line. Only what leads to these pages of ours is a link.
fn parts(text: &str, ours: &[&url::Url]) -> Vec<Part> {
    let part = |line: &str| {
        if ours.iter().any(|own| line.starts_with(own.as_str())) {
            Part::Url(line.to_owned())
        } else {
            Part::Text(line.to_owned())
        }
    };
    text.trim_end().lines().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_an_address_of_ours_is_a_link_and_no_other() {
        let ours: url::Url = "https://portal.example/".parse().unwrap();
        let text =
            "次のリンク\nhttps://portal.example/console/invitation?token=7.x\nhttps://portal.example.test/\n\n以上\n";
        let words = |line: &str| Part::Text(line.to_owned());
        assert_eq!(
            parts(text, &[&ours]),
            [
                words("次のリンク"),
                Part::Url("https://portal.example/console/invitation?token=7.x".to_owned()),
                words("https://portal.example.test/"),
                words(""),
                words("以上"),
            ]
        );
    }
}
