//! What happened in a time sent once more: how many that are is said before it is done.

use super::{Found, Line, by, client_stopped, disabled, end, read, write};
use crate::console::{GET, POST};
use access::{CLIENTS_MANAGE, MEMBERS_PROTECT};
use askama::Template;
use chrono::{DateTime, Utc};
use kernel::{Field, FieldError, Outcome, Refusal, calendar, dates, outcome};
use pages::{
    Reply, Row, Visit,
    forms::Form,
    frame::{Errors, Frame},
    reply::see_other,
    staff_proven,
    visit::Trouble,
    words::grouped,
};
use staff::Clerk;
use webhooks::{KEPT, MOST_AGAIN, Range, Whose, fields};

/// What is typed.
const FIELDS: [&str; 3] = ["from", "until", "delivered"];
/// The page's heading, and the words of the way to it.
pub(super) const HEADING: &str = "期間を決めて送り直す";

/// The rows of the page.
pub(super) fn rows() -> [Row; 2] {
    let (path, may) = ("/console/clients/:id/webhooks/:webhook/replay", CLIENTS_MANAGE);
    [
        staff_proven(GET, path, "console.webhook.range", may, ask),
        staff_proven(POST, path, "console.webhook.range.submit", may, send).keeping(&FIELDS),
    ]
}

/// Its address.
pub(super) fn path(found: &Found) -> String {
    format!("{}/replay", found.path())
}

#[derive(Template)]
#[template(path = "console/webhook_range.html")]
struct RangePage {
    frame: Frame,
    heading: &'static str,
    client: String,
    line: Line,
    path: String,
    back: String,
    /// False where nothing is sent; the frame says why.
    is_possible: bool,
    days: i64,
    most: String,
    from: String,
    until: String,
    delivered: bool,
    /// What would be sent, where that was asked.
    counted: Option<Counted>,
}

struct Counted {
    from: String,
    until: String,
    count: i64,
    said: String,
}

/// `GET` of it. Once a time stands in the address the page says how many they are.
async fn ask(visit: Visit, clerk: Clerk) -> Reply {
    let again = visit.again().await;
    let typed = again.or(&visit.query);
    let tx = read(&visit, clerk.insurer.tenant_id).await?;
    let found = Found::find(&visit, &tx).await?;
    let is_possible = found.is_sent_to(visit.now);
    let is_asked = is_possible && !again.is_refused() && typed.get("from").is_some();
    let counted = match range(typed, &clerk) {
        Ok(range) if is_asked => {
            let webhooks = &visit.services.webhooks;
            let counted = webhooks.in_range(&tx, found.webhook.webhook_id, range).await?;
            counted.map(|count| Some(Counted::new(range, count)))
        }
        Err(refusal) if is_asked => refusal.into(),
        _ => Outcome::Done(None),
    };
    tx.commit().await?;
    let (counted, errors) = match counted {
        Outcome::Refused(refusal) => (None, Errors::new(&refusal, visit.now)),
        Outcome::Done(_) if !found.is_client_in(visit.now) => (None, client_stopped()),
        Outcome::Done(_) if !is_possible => (None, disabled()),
        Outcome::Done(counted) => (counted, Errors::default()),
    };
    let text = |name: &str| typed.text(name).to_owned();
    visit.html(&RangePage {
        heading: HEADING,
        client: found.grant.name.clone(),
        line: found.line(&visit),
        path: path(&found),
        back: found.path(),
        is_possible,
        days: KEPT.num_days(),
        most: grouped(MOST_AGAIN),
        from: text("from"),
        until: text("until"),
        delivered: is_with_delivered(typed),
        counted,
        frame: visit
            .frame()
            .in_section("/console/clients")
            .with_errors(if again.is_refused() { again.errors } else { errors }),
    })
}

/// `POST` of it.
async fn send(visit: Visit, clerk: Clerk) -> Reply {
    let mut tx = write(&visit, &clerk).await?;
    let found = Found::find(&visit, &tx).await?;
    let whose = Whose::new(&found.grant, by(&visit, &clerk));
    let webhooks = &visit.services.webhooks;
    let done = match range(&visit.form, &clerk) {
        Ok(range) => {
            let id = found.webhook.webhook_id;
            webhooks.replay_range(&mut tx, whose, id, range).await?
        }
        Err(refusal) => refusal.into(),
    };
    let page = see_other(&found.path());
    match end(tx, done).await {
        Ok(0) => Ok(visit.inform(page, "送り直す通知は、ありませんでした。")),
        Ok(count) => {
            let count = grouped(count);
            Ok(visit.done(
                page,
                format!("{count}件を送り直します。結果は、通知の記録でお確かめください。"),
            ))
        }
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(Trouble::NotFound),
        Err(refusal) => Ok(visit.form_again(&refusal, &path(&found), &FIELDS).await),
    }
}

/// The time that was typed, as far as whoever typed it sees.
fn range(typed: &Form, clerk: &Clerk) -> Result<Range, Refusal> {
    let mut errors = Vec::new();
    let mut moment = |field: Field| -> Option<DateTime<Utc>> {
        let read = dates::moment(typed.text(&field.name));
        FieldError::gather(field, read, &mut errors)
    };
    match (moment(fields::FROM), moment(fields::UNTIL)) {
        (Some(from), Some(until)) => Ok(Range {
            from,
            until,
            delivered: is_with_delivered(typed),
            with_protected: clerk.may(MEMBERS_PROTECT),
        }),
        _ => Err(Refusal::fields(errors)),
    }
}

fn is_with_delivered(typed: &Form) -> bool {
    typed.text("delivered") == "1"
}

impl Counted {
    fn new(range: Range, count: i64) -> Self {
        Self {
            from: calendar::moment(range.from),
            until: calendar::moment(range.until),
            count,
            said: grouped(count),
        }
    }
}
