//! This crate's tables, as diesel sees them. Rows of treatment are read and written through SQL alone, by kind.

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
    held_rows (tenant_id, held_id) {
        tenant_id -> Integer,
        held_id -> Uuid,
        delivery -> Integer,
        line -> Integer,
        reason -> Text,
        sealed -> Binary,
        settled_person_id -> Nullable<Uuid>,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    shared_claims (tenant_id, delivery, month, claim_key) {
        tenant_id -> Integer,
        delivery -> Integer,
        month -> Date,
        claim_key -> Text,
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
