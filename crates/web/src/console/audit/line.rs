//! One line of the trail: in a list, and on a page of its own.

use super::{AUDIT, Names, Trouble, over_all, veiled, words, write};
use access::{CLIENTS_MANAGE, MEMBERS_CONTACT, MEMBERS_VIEW};
use askama::Template;
use audit::{Look, read, read::Recorded};
use kernel::{AuditId, ClientId, PersonId, StaffId, calendar};
use pages::{Reply, Visit, frame::Frame, words::client};
use serde_json::Value;
use staff::Clerk;
use uuid::Uuid;

/// Where a look says which page it was.
const WHAT: &str = "what";

/// A line as it is listed, and as a file has it.
pub(super) struct Line {
    pub(super) path: String,
    pub(super) at: String,
    pub(super) action: &'static str,
    pub(super) code: String,
    pub(super) outcome: String,
    pub(super) is_done: bool,
    pub(super) actor: String,
    /// A colleague's lines, or a program's page for whoever may open it.
    pub(super) by_actor: Option<String>,
    pub(super) object: String,
    pub(super) channel: &'static str,
    pub(super) address: String,
}

impl Line {
    pub(super) fn new(line: &Recorded, names: &Names, clerk: &Clerk) -> Self {
        let name = |kind: Option<&str>, id: Option<Uuid>| match (kind?, id?) {
            ("staff", id) => names.staff.get(&StaffId(id)).cloned(),
            ("client", id) => names.clients.get(&ClientId(id)).map(|name| client(name)),
            _ => None,
        };
        let actor = name(Some(line.actor_kind.as_str()), line.actor_id);
        let by_actor = match (line.actor_kind.as_str(), line.actor_id.filter(|_| actor.is_some())) {
            ("staff", Some(id)) => Some(format!("{AUDIT}?staff={id}")),
            ("client", Some(id)) if clerk.may(CLIENTS_MANAGE) => Some(format!("/console/clients/{id}")),
            _ => None,
        };
        let object = match (line.object_kind.as_deref(), line.object_id) {
            (Some(kind), id) => name(Some(kind), id).unwrap_or_else(|| words::object(kind).to_owned()),
            (None, _) => line.detail.get(WHAT).map(shown).unwrap_or_default(),
        };
        Self {
            path: format!("{AUDIT}/lines/{}", line.audit_id),
            at: calendar::moment(line.at),
            action: words::action(&line.action),
            code: line.action.clone(),
            outcome: words::outcome(&line.outcome),
            is_done: line.outcome == "done",
            by_actor,
            actor: actor.unwrap_or_else(|| words::actor(&line.actor_kind).to_owned()),
            object,
            channel: words::channel(&line.channel),
            address: address(line, clerk),
        }
    }
}

/// From where a colleague came is the insurer's matter; from where a member came is how they are reached.
pub(super) fn address(line: &Recorded, clerk: &Clerk) -> String {
    match &line.address {
        Some(address) if !line.is_from_member() || clerk.may(MEMBERS_CONTACT) => address.clone(),
        Some(_) => "（表示できません）".to_owned(),
        None => String::new(),
    }
}

#[derive(Template)]
#[template(path = "console/audit_line.html")]
struct LinePage {
    frame: Frame,
    line: Line,
    facts: Vec<(String, String)>,
    changes: Vec<Change>,
    /// The person's page, for whoever may open it.
    member: Option<String>,
}

/// A setting or a right, before and after.
struct Change {
    label: String,
    before: String,
    after: String,
}

/// `GET /console/audit/lines/:id`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = AuditId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let tx = write(&visit, &clerk).await?;
    let found = read::one(&tx, id).await?.ok_or(Trouble::NotFound)?;
    let look = Look::list("audit", vec!["line"], &[]);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    let names = Names::of(&tx, std::slice::from_ref(&found)).await?;
    let is_veiled = !veiled(&tx, &clerk, std::slice::from_ref(&found)).await?.is_empty();
    tx.commit().await?;
    let mut line = Line::new(&found, &names, &clerk);
    if is_veiled {
        line.address.clear();
    }
    visit.html(&LinePage {
        frame: visit.frame().in_section(AUDIT),
        line,
        facts: if is_veiled { Vec::new() } else { facts(&found) },
        changes: changes(&found),
        member: person(&found)
            .filter(|_| clerk.may(MEMBERS_VIEW) && !is_veiled)
            .map(|id| format!("/console/members/{id}")),
    })
}

/// The person to whom it was done.
pub(super) fn person(line: &Recorded) -> Option<PersonId> {
    let is_person = matches!(line.object_kind.as_deref(), Some("person" | "member"));
    line.object_id.filter(|_| is_person).map(PersonId)
}

/// Ids and what explains the line, but what was before and after.
fn facts(line: &Recorded) -> Vec<(String, String)> {
    let id = |label: &str, id: Option<Uuid>| id.map(|id| (label.to_owned(), id.to_string()));
    let of_line = [
        id("記録の番号", Some(line.audit_id.0)),
        id("操作した人の番号", line.actor_id),
        id("対象の番号", line.object_id),
        id("リクエスト番号", line.request_id),
    ];
    let detail = line.detail.as_object().into_iter().flatten();
    let detail = detail.filter(|(name, _)| !matches!(name.as_str(), "before" | "after"));
    let said = |name: &str, value| if name == WHAT { shown(value) } else { plain(value) };
    let detail = detail.map(|(name, value)| (words::detail(name), said(name, value)));
    of_line.into_iter().flatten().chain(detail).collect()
}

/// Before and after, of settings and rights alone; of people's facts neither stands here.
fn changes(line: &Recorded) -> Vec<Change> {
    let side = |name: &str| line.detail.get(name).unwrap_or(&Value::Null);
    let (before, after) = (side("before"), side("after"));
    if !line.has_before_and_after() || (before.is_null() && after.is_null()) {
        return Vec::new();
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return vec![Change {
            label: "内容".into(),
            before: plain(before),
            after: plain(after),
        }];
    };
    let mut labels: Vec<&String> = old.keys().chain(new.keys()).collect();
    labels.sort();
    labels.dedup();
    let value = |of: &serde_json::Map<String, Value>, label: &str| of.get(label).map(plain).unwrap_or_default();
    labels
        .into_iter()
        .map(|label| Change {
            label: label.clone(),
            before: value(old, label),
            after: value(new, label),
        })
        .collect()
}

fn shown(what: &Value) -> String {
    words::shown(what.as_str().unwrap_or_default()).to_owned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "はい".into(),
        Value::Bool(false) => "いいえ".into(),
        Value::Array(items) if !items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().map(plain).collect::<Vec<_>>().join("、")
        }
        other => other.to_string(),
    }
}
