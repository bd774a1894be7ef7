//! The tables of webhooks.

diesel::table! {
    webhook_endpoints (tenant_id, webhook_id) {
        tenant_id -> Integer,
        webhook_id -> Uuid,
        grant_id -> Uuid,
        url -> Text,
        kinds -> Array<Text>,
        state -> Text,
        why -> Nullable<Text>,
        after_position -> BigInt,
        version -> Integer,
        secret -> Nullable<Binary>,
        old_secret -> Nullable<Binary>,
        old_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        last_success_at -> Nullable<Timestamptz>,
        failing_since -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_deliveries (tenant_id, webhook_id, event_id) {
        tenant_id -> Integer,
        webhook_id -> Uuid,
        event_id -> Uuid,
        kind -> Text,
        subject -> Uuid,
        person_id -> Nullable<Uuid>,
        of_kind -> Nullable<Text>,
        sequence -> BigInt,
        position -> BigInt,
        happened_at -> Timestamptz,
        state -> Text,
        tries -> Integer,
        next_at -> Nullable<Timestamptz>,
        status -> Nullable<Integer>,
        reason -> Nullable<Text>,
        finished_at -> Nullable<Timestamptz>,
    }
}
