//! This crate's tables, as diesel sees them.

diesel::table! {
    login_names (name_hash) {
        name_hash -> Binary,
        tenant_id -> Integer,
        account_id -> Nullable<Uuid>,
        ticket_id -> Nullable<Uuid>,
        reserved_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sign_up_tickets (tenant_id, ticket_id) {
        tenant_id -> Integer,
        ticket_id -> Uuid,
        secret_hash -> Binary,
        person_id -> Uuid,
        symbol -> Text,
        number -> Text,
        email_hint -> Nullable<Text>,
        user_id -> Nullable<Text>,
        password -> Nullable<Binary>,
        email -> Nullable<Binary>,
        tries -> Integer,
        sends -> Integer,
        last_sent_at -> Nullable<Timestamptz>,
        mail_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        registered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    accounts (tenant_id, account_id) {
        tenant_id -> Integer,
        account_id -> Uuid,
        person_id -> Uuid,
        user_id -> Text,
        password -> Binary,
        password_changed_at -> Timestamptz,
        email -> Text,
        email_proven_at -> Timestamptz,
        registered_at -> Timestamptz,
        last_log_in_at -> Nullable<Timestamptz>,
        previous_log_in_at -> Nullable<Timestamptz>,
        reminded_at -> Nullable<Timestamptz>,
        guesses -> Integer,
        device_guesses -> Integer,
        user_id_key -> Nullable<Text>,
        email_key -> Nullable<Text>,
        emptied_at -> Nullable<Timestamptz>,
        closed_person_id -> Nullable<Uuid>,
        proof -> Text,
    }
}

diesel::table! {
    email_changes (tenant_id, account_id) {
        tenant_id -> Integer,
        account_id -> Uuid,
        email -> Binary,
        tries -> Integer,
        sends -> Integer,
        last_sent_at -> Timestamptz,
        mail_id -> Uuid,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    desk_email_changes (tenant_id, account_id) {
        tenant_id -> Integer,
        account_id -> Uuid,
        email -> Binary,
        asked_by -> Uuid,
        tries -> Integer,
        sends -> Integer,
        last_sent_at -> Timestamptz,
        mail_id -> Uuid,
        counts_at -> Timestamptz,
        proven_at -> Nullable<Timestamptz>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    mail_wishes (tenant_id, account_id, stream) {
        tenant_id -> Integer,
        account_id -> Uuid,
        stream -> Text,
        token -> Text,
        off_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    registration_days (tenant_id, day) {
        tenant_id -> Integer,
        day -> Date,
        registrations -> Integer,
    }
}

diesel::table! {
    sign_up_failures (tenant_id, day, reason, workplace_code, symbol_key) {
        tenant_id -> Integer,
        day -> Date,
        reason -> Text,
        workplace_code -> Text,
        symbol_key -> Text,
        attempts -> Integer,
    }
}

diesel::table! {
    wrong_codes (tenant_id, person_id) {
        tenant_id -> Integer,
        person_id -> Uuid,
        failures -> Integer,
    }
}

diesel::table! {
    consents (tenant_id, consent_id) {
        tenant_id -> Integer,
        consent_id -> Uuid,
        account_id -> Uuid,
        owner -> Integer,
        document -> Text,
        revision -> Integer,
        title -> Text,
        content_hash -> Text,
        at -> Timestamptz,
        channel -> Text,
        address -> Nullable<Text>,
    }
}
