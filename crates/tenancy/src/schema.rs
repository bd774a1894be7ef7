//! The tables of this crate, and of this crate alone.

diesel::table! {
    insurers (tenant_id) {
        tenant_id -> Integer,
        insurer_code -> Nullable<Text>,
        name -> Text,
        kind -> Text,
        state -> Text,
        revision -> BigInt,
        settings -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        applied_by -> Text,
        sender_domains -> Array<Text>,
        sandbox -> Bool,
    }
}

diesel::table! {
    insurer_revisions (tenant_id, revision) {
        tenant_id -> Integer,
        revision -> BigInt,
        settings -> Jsonb,
        content_hash -> Text,
        applied_at -> Timestamptz,
        applied_by -> Text,
        note -> Text,
        channel -> Text,
        why -> Nullable<Text>,
    }
}

diesel::table! {
    terms_documents (tenant_id, document, revision, insurer_revision) {
        tenant_id -> Integer,
        document -> Text,
        revision -> Integer,
        insurer_revision -> BigInt,
        title -> Text,
        effective_at -> Timestamptz,
        changes -> Nullable<Text>,
        body -> Text,
        content_hash -> Text,
    }
}

diesel::table! {
    terms_drafts (tenant_id, document, revision) {
        tenant_id -> Integer,
        document -> Text,
        revision -> Integer,
        draft_id -> Uuid,
        version -> Integer,
        title -> Text,
        effective_on -> Nullable<Date>,
        agree_again -> Bool,
        changes -> Text,
        body -> Text,
        saved_by -> Text,
        saved_at -> Timestamptz,
    }
}

diesel::table! {
    pages (tenant_id, slug) {
        tenant_id -> Integer,
        slug -> Text,
        title -> Text,
        body -> Text,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    maintenances (maintenance_id) {
        maintenance_id -> Uuid,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        text -> Text,
    }
}

diesel::table! {
    logos (tenant_id, hash) {
        tenant_id -> Integer,
        hash -> Text,
        media_type -> Text,
        bytes -> Binary,
        width -> Integer,
        height -> Integer,
    }
}

diesel::allow_tables_to_appear_in_same_query!(insurers, maintenances);
