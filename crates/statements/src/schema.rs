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

diesel::allow_tables_to_appear_in_same_query!(statement_deliveries, statement_marks);
