//! What is sent to a webhook, as OpenAPI's `callbacks` of the operation that sets one.

use super::shapes;
use serde_json::{Value, json};

/// The message.
pub(super) fn callbacks() -> Value {
    let header = |name: &str, description: &str, example: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": description, "example": example,
            "schema": {"type": "string"},
        })
    };
    let example = json!({
        "type": "member.coverage_lost",
        "timestamp": "2026-11-24T01:00:00Z",
        "data": {
            "insurer": "32290413",
            "subject": {"kind": "member", "id": "0197a3c0-0000-7000-8000-000000000105"},
            "sequence": 3,
            "link": "/api/v1/members/0197a3c0-0000-7000-8000-000000000105/coverage",
        },
    });
    let message = json!({
        "operationId": "webhook_message",
        "tags": ["Webhooks"],
        "summary": "A message",
        "description": "What happened, sent to the webhook's URL by Standard Webhooks 1.0.0. Verify it before you read it, and answer \
            within 15 seconds, before you work on it. It may come twice, under the same `webhook-id`. What is not answered by 2xx is \
            sent again after 5 seconds, 5 and 30 minutes, 2, 5, 10 and 10 hours.",
        "security": [],
        "parameters": [
            header("webhook-id", "The message's id, the same with each try.", shapes::DELIVERY),
            header("webhook-timestamp", "When it is sent: seconds since 1970. Refuse what is older than five minutes.", "1795482000"),
            header(
                "webhook-signature",
                "`v1,` and the base64 of HMAC-SHA-256 of `webhook-id.webhook-timestamp.body` under the secret, whose base64 stands \
                 behind `whsec_`. While two secrets are good there are two signatures, parted by a blank.",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ],
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": schema(), "example": example}},
        },
        "responses": {
            "2XX": {"description": "It arrived."},
            "410": {"description": "The webhook is not there any more: it is disabled."},
            "default": {"description": "It is sent again, up to seven times. A redirect is no success, either."},
        },
    });
    json!({"message": {"{$request.body#/url}": {"post": message}}})
}

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "description": "What happened: one of `events` of the webhook, or `webhook.test`."},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": {
                "type": "object",
                "required": ["insurer", "subject", "sequence"],
                "properties": {
                    "insurer": {"type": "string", "description": "保険者指定コード."},
                    "subject": {
                        "type": "object",
                        "description": "To what it happened.",
                        "required": ["kind", "id"],
                        "properties": {
                            "kind": {
                                "type": "string",
                                "description": "`member`, `roster_import`, `notice`, `statement_delivery`, `mail` or `webhook`.",
                            },
                            "id": {"type": "string", "format": "uuid", "description": "Its id."},
                        },
                    },
                    "sequence": {
                        "type": "integer",
                        "format": "int64",
                        "description": "Counts, from 1, what this webhook is told of this subject.",
                    },
                    "kind": {
                        "type": "string",
                        "description": "Of `disclosure.changed`: of which rows, `costs` or `medicines`.",
                    },
                    "document": {
                        "type": "string",
                        "description": "Of `consent.given`: to which document, `service`, `points` or `addendum`.",
                    },
                    "link": {
                        "type": "string",
                        "description": "Where that is read, with the scope by which you are told: the subject itself, or the list in which it \
                            stands. Absent of a `disclosure.changed` without `kind` and a `consent.given` without `document`, which \
                            happened before messages said so.",
                    },
                },
            },
        },
    })
}
