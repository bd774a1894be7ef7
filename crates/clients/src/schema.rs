//! The tables of clients.

diesel::table! {
    clients (tenant_id, client_id) {
        tenant_id -> Integer,
        client_id -> Uuid,
        name -> Text,
        contact -> Binary,
        networks -> Array<Text>,
        expires_on -> Nullable<Date>,
        state -> Text,
        created_at -> Timestamptz,
        created_by -> Nullable<Uuid>,
        told_of -> Nullable<Date>,
    }
}

diesel::table! {
    client_secrets (tenant_id, client_id, secret_id) {
        tenant_id -> Integer,
        client_id -> Uuid,
        secret_id -> Uuid,
        secret_hash -> Binary,
        made_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    client_places (tenant_id, client_id, insurer) {
        tenant_id -> Integer,
        client_id -> Uuid,
        insurer -> Integer,
    }
}

diesel::table! {
    client_grants (tenant_id, grant_id) {
        tenant_id -> Integer,
        grant_id -> Uuid,
        client_id -> Uuid,
        home -> Integer,
        name -> Text,
        scopes -> Array<Text>,
        networks -> Array<Text>,
        expires_on -> Nullable<Date>,
        state -> Text,
        client_state -> Text,
        created_at -> Timestamptz,
        created_by -> Nullable<Uuid>,
        last_used_at -> Nullable<Timestamptz>,
        told_of -> Nullable<Date>,
    }
}

diesel::table! {
    client_tokens (tenant_id, token_hash) {
        tenant_id -> Integer,
        token_hash -> Binary,
        grant_id -> Uuid,
        scopes -> Array<Text>,
        networks -> Array<Text>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    client_days (tenant_id, grant_id, day) {
        tenant_id -> Integer,
        grant_id -> Uuid,
        day -> Date,
        calls -> Integer,
        errors -> Integer,
        refused -> Integer,
    }
}

diesel::table! {
    client_scopes_used (tenant_id, grant_id, scope) {
        tenant_id -> Integer,
        grant_id -> Uuid,
        scope -> Text,
        last_used_at -> Timestamptz,
    }
}
