//! The operations on webhooks as the table has them, each in use.

use super::{
    LIST, PATH, message,
    shapes::{self, delivery_example, example, range_example, revealed_example, wish_example},
};
use access::scope::WEBHOOKS_MANAGE;
use edge::Rights;
use kernel::outcome::CONDITION_FAILED;
use operations::{Codes, Example, Row, act, delete, get, keyed, post, put};
use serde_json::json;

const ONE: &str = "/webhooks/:id";

/// What refuses whoever changes one without knowing how it stands.
const CHANGES: Codes = &["not_found", "precondition_required", CONDITION_FAILED.code];
const DELETES: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "webhook_stopped_by_insurer",
];
const REPLACES: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "webhook_exists",
    "webhook_stopped_by_insurer",
];

/// With what is sent to the URL from then on.
fn told(mut row: Row) -> Row {
    row.handler.callbacks = Some(message::callbacks());
    row
}

/// The rows of the table.
pub(super) fn all() -> Vec<Row> {
    let manage = Rights::Client(WEBHOOKS_MANAGE);
    let of_one = || vec![("id", json!(shapes::ID))];
    let answered = |parameters, answer| Example {
        parameters,
        answer: Some(answer),
        ..Example::default()
    };
    let one = || answered(of_one(), example());
    let replaced = Example {
        request: Some(wish_example()),
        ..one()
    };
    let created = Example {
        request: Some(wish_example()),
        ..answered(vec![], revealed_example())
    };
    let again = || answered(of_one(), json!({"deliveries": 214}));
    let ranged = Example {
        request: Some(range_example()),
        ..again()
    };
    let of_delivery = vec![("id", json!(shapes::ID)), ("delivery", json!(shapes::DELIVERY))];
    let listed = answered(of_one(), json!({"deliveries": [delivery_example()], "next": "AAJrMQ"}));
    vec![
        get(
            PATH,
            "list_webhooks",
            manage,
            &[],
            answered(vec![], json!({"webhooks": [example()]})),
        ),
        told(post(
            PATH,
            "create_webhook",
            manage,
            &["webhook_too_many", "webhook_exists", "webhook_client_stopped"],
            created,
        )),
        get(ONE, "get_webhook", manage, &["not_found"], one()),
        put(ONE, "replace_webhook", manage, REPLACES, replaced),
        delete(
            ONE,
            "delete_webhook",
            manage,
            DELETES,
            Example {
                parameters: of_one(),
                ..Example::default()
            },
        ),
        act(
            "/webhooks/:id/rotate-secret",
            "rotate_webhook_secret",
            manage,
            CHANGES,
            answered(of_one(), revealed_example()),
        ),
        keyed(act(
            "/webhooks/:id/enable",
            "enable_webhook",
            manage,
            &["not_found", "webhook_stopped_by_insurer", "webhook_client_stopped"],
            one(),
        )),
        keyed(act(
            "/webhooks/:id/test",
            "test_webhook",
            manage,
            &["not_found", "webhook_disabled"],
            answered(of_one(), json!({"delivery": shapes::DELIVERY})),
        )),
        get(
            "/webhooks/:id/deliveries",
            LIST,
            manage,
            &["not_found", "fields", "cursor"],
            listed,
        ),
        keyed(act(
            "/webhooks/:id/deliveries/:delivery/replay",
            "replay_webhook_delivery",
            manage,
            &["not_found", "webhook_disabled", "webhook_delivery_waiting"],
            answered(of_delivery, json!({"deliveries": 1})),
        )),
        keyed(post(
            "/webhooks/:id/replay",
            "replay_webhook_deliveries",
            manage,
            &["not_found", "webhook_disabled", "webhook_range_too_large"],
            ranged,
        )),
    ]
}
