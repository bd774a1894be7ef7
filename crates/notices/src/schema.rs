//! The tables of this crate, and of this crate alone.

diesel::table! {
    notices (tenant_id, notice_id) {
        tenant_id -> Integer,
        notice_id -> Uuid,
        audience -> Text,
        person_id -> Nullable<Uuid>,
        slug -> Nullable<Text>,
        title -> Text,
        body -> Text,
        published_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        mail -> Bool,
        mailed_to -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        workplace_code -> Nullable<Text>,
        age_from -> Nullable<SmallInt>,
        age_to -> Nullable<SmallInt>,
        with_dependants -> Bool,
        readers -> Nullable<BigInt>,
        withdrawn_at -> Nullable<Timestamptz>,
        published_by -> Nullable<Uuid>,
        by_client -> Bool,
    }
}

diesel::table! {
    notice_drafts (tenant_id, draft_id) {
        tenant_id -> Integer,
        draft_id -> Uuid,
        version -> BigInt,
        title -> Text,
        body -> Text,
        person_id -> Nullable<Uuid>,
        workplace_code -> Nullable<Text>,
        age_from -> Nullable<SmallInt>,
        age_to -> Nullable<SmallInt>,
        with_dependants -> Bool,
        first_day -> Nullable<Date>,
        last_day -> Nullable<Date>,
        mail -> Bool,
        asked_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Uuid,
        by_client -> Bool,
    }
}

diesel::table! {
    notice_reads (tenant_id, account_id, notice_id) {
        tenant_id -> Integer,
        account_id -> Uuid,
        notice_id -> Uuid,
        at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(notices, notice_reads);
