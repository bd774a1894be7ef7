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
