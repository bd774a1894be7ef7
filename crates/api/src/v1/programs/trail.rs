//! 監査記録 for programs: as the console's file has it.

use super::open;
use access::scope::AUDIT_READ;
use accounts::for_staff;
use audit::{
    Look,
    read::{self, Filter, Recorded},
};
use chrono::Days;
use edge::Rights;
use kernel::{AuditId, calendar};
use operations::{
    Example, Row, Tag,
    answer::Done,
    call::{Call, Program, up},
    failure::{Failure, Flaw},
    get,
    page::{self, Cursor, Limit},
    params::{Day, Query, asked_day},
    text::Time,
};
use poem_openapi::{Object, OpenApi, types::Any};
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

const LIST: &str = "list_audit_lines";

pub(super) struct TrailApi;

pub(super) fn row() -> Row {
    let example = Example {
        parameters: vec![("from", json!("2026-11-01")), ("until", json!("2026-11-30"))],
        answer: Some(json!({
            "lines": [{
                "id": "0197a3c0-0000-7000-8000-00000000001a",
                "at": "2026-11-22T01:00:00Z",
                "action": "notice.publish",
                "outcome": "done",
                "actor_kind": "staff",
                "actor_id": "0197a3c0-0000-7000-8000-000000000007",
                "object_kind": "notice",
                "object_id": "0197a3c0-0000-7000-8000-00000000004d",
                "channel": "console",
                "address": "192.0.2.7",
                "request_id": "0197a3c0-0000-7000-8000-00000000001b",
                "detail": {},
            }],
            "next": "AAJrMQ",
        })),
        ..Example::default()
    };
    get(
        "/audit",
        LIST,
        Rights::Client(AUDIT_READ),
        &["fields", "cursor"],
        example,
    )
}

/// A page of the trail, the latest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct AuditLines {
    /// The lines.
    lines: Vec<AuditLine>,
    /// Hand it in as `cursor` for the next page; absent at the end.
    next: Option<String>,
}

/// Who did what to whom, when and from where. Of a line about a protected person only what was done and when is told to whoever
/// doesn't hold `protected.read`.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct AuditLine {
    /// Which line.
    id: String,
    /// When it was done.
    at: Time,
    /// What, as `noun.verb`.
    action: String,
    /// `done`, or the code of the refusal.
    outcome: String,
    /// `visitor` (not logged in), `member`, `staff`, `support` (the platform's, let in), `operator`, `client` or `system`.
    actor_kind: String,
    /// Who, where the kind has one: an account, somebody of the staff, a client. A client's is the end of its `client_id`: where that
    /// is `cl_7_0197a3c000007000800000000000000a`, it is `0197a3c0-0000-7000-8000-00000000000a` here.
    actor_id: Option<String>,
    /// To what kind of thing it was done.
    object_kind: Option<String>,
    /// The id of that thing.
    object_id: Option<String>,
    /// Through which door: `portal`, `console`, `api`, `command` or `worker`.
    channel: String,
    /// From which address. Where members came from is not told.
    address: Option<String>,
    /// By which request: its `X-Request-Id`. Of a veiled line it is absent: other lines may have it, too.
    request_id: Option<String>,
    /// What explains it, an object of codes, counts and ids; absent where there is nothing, or nothing to be told.
    detail: Option<Any<Value>>,
}

#[OpenApi(tag = "Tag::Records")]
impl TrailApi {
    /// The trail
    ///
    /// Who did what, the latest first: members, staff, programs and the service itself. Reading it is a line, too.
    #[oai(path = "/audit", method = "get", operation_id = "list_audit_lines")]
    async fn list(
        &self,
        call: Call,
        Program(program): Program,
        /// From this day on, in Japan.
        from: Query<Day>,
        /// Until this day, in Japan, with it; not before `from`.
        until: Query<Day>,
        /// Lines of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<AuditLines>> {
        let list = call.list(&program, LIST).narrowed(&[&from.text, &until.text]);
        let (before, most): (Option<AuditId>, _) = (list.after(&cursor)?, page::limit(&limit));
        let (from, until) = (asked_day(&from), asked_day(&until));
        if from.zip(until).is_some_and(|(from, until)| until < from) {
            let flaw = Flaw::new("/until", "before_other").saying("Must not be before `from`.");
            return Err(Failure::fields(vec![flaw]).into());
        }
        let until = until.and_then(|day| day.checked_add_days(Days::new(1)));
        let filter = Filter {
            from: from.map(calendar::start_of_day),
            until: until.map(calendar::start_of_day),
            ..Filter::default()
        };
        let filters = if filter == Filter::default() {
            vec![]
        } else {
            vec!["time"]
        };
        let tx = open(&call, &program).await?;
        let found = up(read::list(&tx, &filter, before, i64::from(most) + 1).await)?;
        let (found, next) = list.page(found, most, |last| last.audit_id);
        let veiled = if program.sees_protected() {
            HashSet::new()
        } else {
            up(for_staff::veiled(&tx, &found).await)?
        };
        let look = Look::list("audit", filters, &[]);
        up(audit::look(&tx, call.now(), &call.origin, program.actor(), look).await)?;
        up(tx.commit().await)?;
        Ok(Done(AuditLines {
            lines: found.into_iter().map(|found| line(found, &veiled)).collect(),
            next,
        }))
    }
}

fn line(found: Recorded, veiled: &HashSet<Uuid>) -> AuditLine {
    let is_veiled = found.people().any(|id| veiled.contains(&id));
    let id = |id: Option<Uuid>| id.map(|id| id.to_string());
    let detail = found.explained();
    let has_detail = detail.as_object().is_some_and(|detail| !detail.is_empty());
    let is_from_member = found.is_from_member();
    AuditLine {
        id: found.audit_id.to_string(),
        at: found.at.into(),
        actor_id: id(found.actor_id.filter(|id| !veiled.contains(id))),
        object_id: id(found.object_id.filter(|_| !is_veiled)),
        address: found.address.filter(|_| !is_veiled && !is_from_member),
        request_id: id(found.request_id.filter(|_| !is_veiled)),
        detail: (has_detail && !is_veiled).then_some(Any(detail)),
        action: found.action,
        outcome: found.outcome,
        actor_kind: found.actor_kind,
        object_kind: found.object_kind,
        channel: found.channel,
    }
}
