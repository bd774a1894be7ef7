//! What an endpoint is told of an event: ids, where it stands among what it was told of the same thing, and where that is read. No
//! personal data, and the same bytes however often it is sent.

use crate::{
    Message,
    kinds::{Kinds, OF_KIND},
};
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
    let of_kind = message.of_kind.as_deref();
    let link = kind
        .link
        .filter(|_| of_kind.is_some() || !kind.is_of_rows())
        .map(|path| {
            let path = path.replace(OF_KIND, of_kind.unwrap_or_default());
            format!("{BASE}{}", path.replace(":id", &message.subject.to_string()))
        });
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
            kind: of_kind,
            link,
        },
    };
    serde_json::to_string(&body).ok()
}
