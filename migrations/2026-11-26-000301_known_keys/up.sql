-- The keys that this database knows, each by what tells it from any other: rows of tenant 0, written as the owner by
-- `madoguchi keys …` alone, so that a node with a wrong key can't make it the right one.
CREATE TABLE known_keys (
    tenant_id int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('ring', 'names')),
    key_id text NOT NULL,
    proof bytea NOT NULL,
    registered_at timestamptz NOT NULL,
    -- A key of user IDs: since when every name stands under it.
    complete_at timestamptz,
    -- Nothing hangs on it any more.
    retired_at timestamptz,
    PRIMARY KEY (tenant_id, kind, key_id)
);
SELECT tenant_table('known_keys', 'guard', 'select');
