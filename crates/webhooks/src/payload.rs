//! What an endpoint is told of an event: ids, where it stands among what it was told of the same thing, and where that is read. No
//! personal data, and the same bytes however often it is sent.

use crate::{Message, kinds::Kinds};
use chrono::SecondsFormat;
use serde::Serialize;
use uuid::Uuid;

/// Where operations stand.
const BASE: &str = "/api/v1";

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    insurer: &'a str,
    subject: Named<'a>,
    sequence: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

#[derive(Serialize)]
struct Named<'a> {
    kind: &'a str,
    id: Uuid,
}

/// The message's body; none of a kind that is not known any more.
pub(crate) fn body(kinds: &Kinds, insurer: &str, message: &Message) -> Option<String> {
    let kind = kinds.find(&message.kind)?;
    let said = |name| message.of_kind.as_deref().filter(|_| kind.of() == Some(name));
    let path = kind.link.replace(":id", &message.subject.to_string());
    // Of what happened before that was kept there is no link.
    let path = match kind.of() {
        Some(name) => said(name).map(|said| path.replace(&format!(":{name}"), said)),
        None => Some(path),
    };
    let body = Body {
        r#type: kind.name,
        timestamp: message.happened_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        data: Data {
            insurer,
            subject: Named {
                kind: kind.subject.as_str(),
                id: message.subject,
            },
            sequence: message.sequence,
            kind: said("kind"),
            document: said("document"),
            link: path.map(|path| format!("{BASE}{path}")),
        },
    };
    serde_json::to_string(&body).ok()
}
