//! No column hangs on a key unseen: whoever adds one says what a key does to it, or the next rotation loses it.

use database::Kind;
use madoguchi::commands::keys::keyed;
use std::collections::BTreeSet;
use testkit::{TestDatabase, lines, owner_url};

/// Bytes that hang on no key of the ring, each with the reason.
const OTHERS: [(&str, &str); 8] = [
    ("audit_segments.digests", "digests without a key"),
    ("idempotency_keys.key_digest", "a digest without a key"),
    ("known_keys.proof", "tells a key from others"),
    (
        "login_names.name_hash",
        "under the key of user IDs; `keys rehash-names`",
    ),
    ("logos.bytes", "a picture"),
    ("roster_imports.file_hash", "a digest without a key"),
    ("statement_deliveries.file_hash", "a digest without a key"),
    ("throttles.key_hash", "a new key starts every count anew"),
];

// security.md 70
#[tokio::test]
async fn every_column_of_bytes_is_counted_by_keys_status_or_hangs_on_no_key() {
    drop(TestDatabase::new().await);
    let bytes = "SELECT table_name || '.' || column_name AS line FROM information_schema.columns
         WHERE table_schema = 'public' AND data_type = 'bytea'";
    let found: BTreeSet<String> = lines(&owner_url(), bytes).await.into_iter().collect();
    let declared = keyed().map(|keyed| format!("{}.{}", keyed.table, keyed.column));
    let known: BTreeSet<String> = declared.chain(OTHERS.map(|(column, _)| column.to_owned())).collect();
    assert_eq!(found, known);
    for keyed in keyed() {
        let Kind::Sealed { owner, .. } = keyed.kind else {
            continue;
        };
        let primary = format!(
            "SELECT string_agg(a.attname, ' ' ORDER BY array_position(i.indkey::int2[], a.attnum)) AS line
             FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
             WHERE i.indisprimary AND i.indrelid = '{}'::regclass",
            keyed.table
        );
        assert_eq!(
            lines(&owner_url(), &primary).await,
            [format!("tenant_id {owner}")],
            "{keyed:?}"
        );
    }
}
