//! The tables of staff.

diesel::table! {
    staff (tenant_id, staff_id) {
        tenant_id -> Integer,
        staff_id -> Uuid,
        email -> Text,
        email_key -> Text,
        name -> Text,
        password -> Nullable<Binary>,
        password_changed_at -> Nullable<Timestamptz>,
        guesses -> Integer,
        device_guesses -> Integer,
        factor_guesses -> Integer,
        created_at -> Timestamptz,
        invited_by -> Nullable<Uuid>,
        last_log_in_at -> Nullable<Timestamptz>,
        previous_log_in_at -> Nullable<Timestamptz>,
        suspended_at -> Nullable<Timestamptz>,
        suspended_for -> Nullable<Text>,
        resumed_at -> Nullable<Timestamptz>,
        factor_reset_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    staff_roles (tenant_id, staff_id, role) {
        tenant_id -> Integer,
        staff_id -> Uuid,
        role -> Text,
        symbols -> Nullable<Array<Text>>,
        workplaces -> Nullable<Array<Text>>,
        granted_by -> Nullable<Uuid>,
        granted_at -> Timestamptz,
    }
}

diesel::table! {
    staff_factors (tenant_id, factor_id) {
        tenant_id -> Integer,
        factor_id -> Uuid,
        staff_id -> Uuid,
        kind -> Text,
        label -> Text,
        sealed -> Binary,
        step -> Nullable<BigInt>,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    staff_codes (tenant_id, staff_id, code_hash) {
        tenant_id -> Integer,
        staff_id -> Uuid,
        code_hash -> Binary,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    staff_ceremonies (tenant_id, ceremony_id) {
        tenant_id -> Integer,
        ceremony_id -> Uuid,
        session_id -> Uuid,
        kind -> Text,
        sealed -> Binary,
        ends_at -> Timestamptz,
    }
}

diesel::table! {
    support_grants (tenant_id, grant_id) {
        tenant_id -> Integer,
        grant_id -> Uuid,
        operator_id -> Uuid,
        operator_name -> Text,
        reason -> Text,
        asked_at -> Timestamptz,
        granted_by -> Nullable<Uuid>,
        granted_at -> Nullable<Timestamptz>,
        ends_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        hours_wished -> Nullable<Integer>,
        entered_at -> Nullable<Timestamptz>,
        ended_for -> Nullable<Text>,
    }
}

diesel::table! {
    support_open (grant_id) {
        grant_id -> Uuid,
        tenant_id -> Integer,
        operator_id -> Uuid,
        asked_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(staff, staff_roles);
