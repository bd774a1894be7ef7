//! This crate's tables, as diesel sees them. The others are read and written through SQL alone.

diesel::table! {
    statement_deliveries (tenant_id, delivery) {
        tenant_id -> Integer,
        delivery -> Integer,
        delivery_id -> Uuid,
        kind -> Text,
        label -> Date,
        version -> Integer,
        state -> Text,
        file_name -> Text,
        file_hash -> Binary,
        encoding -> Text,
        rows -> Integer,
        held -> Integer,
        too_old -> Integer,
        persons -> Integer,
        months -> Array<Date>,
        totals -> Jsonb,
        leased_by -> Nullable<Uuid>,
        leased_until -> Nullable<Timestamptz>,
        imported_at -> Timestamptz,
        publish_at -> Nullable<Timestamptz>,
        published_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        purged_at -> Nullable<Timestamptz>,
        held_tried_at -> Nullable<Timestamptz>,
        struck_at -> Nullable<Timestamptz>,
        imported_by -> Nullable<Uuid>,
        publish_by -> Nullable<Uuid>,
        publish_notice -> Bool,
        published_by -> Nullable<Uuid>,
        ended_by -> Nullable<Uuid>,
        ended_why -> Nullable<Text>,
    }
}

diesel::table! {
    disclosures (tenant_id, person_id, kind) {
        tenant_id -> Integer,
        person_id -> Uuid,
        kind -> Text,
        audience -> Text,
        source -> Text,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    statement_marks (tenant_id, account_id, kind) {
        tenant_id -> Integer,
        account_id -> Uuid,
        kind -> Text,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    statement_runs (tenant_id, run_id) {
        tenant_id -> Integer,
        run_id -> Uuid,
        kind -> Text,
        label -> Nullable<Date>,
        state -> Text,
        started_by -> Uuid,
        by_client -> Bool,
        by_name -> Text,
        decided_by -> Nullable<Uuid>,
        decided_name -> Nullable<Text>,
        file_name -> Text,
        upload_id -> Uuid,
        created_at -> Timestamptz,
        moved_at -> Timestamptz,
        stage -> Text,
        rows -> BigInt,
        percent -> Integer,
        mapping -> Jsonb,
        report -> Jsonb,
        agreed -> Bool,
        sealed -> Nullable<Binary>,
        errors_id -> Nullable<Uuid>,
        goes_on -> Bool,
        job_id -> Nullable<Uuid>,
        delivery -> Nullable<Integer>,
    }
}

diesel::table! {
    statement_mappings (tenant_id, kind, field) {
        tenant_id -> Integer,
        kind -> Text,
        field -> Text,
        header -> Text,
    }
}

diesel::table! {
    statement_mailings (tenant_id, delivery_id) {
        tenant_id -> Integer,
        delivery_id -> Uuid,
        published_at -> Timestamptz,
        replaced -> Nullable<Integer>,
        come_to -> Nullable<Uuid>,
        told -> Integer,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(statement_deliveries, statement_mailings, statement_marks);
