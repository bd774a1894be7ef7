-- One-time codes: only their keyed hashes; superseded ones stay so that whoever types one is told why.
CREATE TABLE codes (
    tenant_id int NOT NULL,
    subject_id uuid NOT NULL,
    purpose text NOT NULL,
    code_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    superseded_at timestamptz,
    used_at timestamptz,
    PRIMARY KEY (tenant_id, subject_id, purpose, code_id)
);
SELECT tenant_table('codes', 'guard', 'select, insert, update, delete');

-- Single-use secrets of mailed links: only their keyed hashes.
CREATE TABLE links (
    tenant_id int NOT NULL,
    secret_hash bytea NOT NULL,
    subject_id uuid NOT NULL,
    purpose text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (tenant_id, secret_hash)
);
CREATE INDEX links_by_subject ON links (tenant_id, subject_id);
SELECT tenant_table('links', 'guard', 'select, insert, update, delete');

-- Tries by rule and key; the key is a keyed hash of what was typed. Every column but the key changes in place.
CREATE TABLE throttles (
    tenant_id int NOT NULL,
    rule text NOT NULL,
    key_hash bytea NOT NULL,
    tries int NOT NULL,
    window_from timestamptz NOT NULL,
    level int NOT NULL,
    admitted boolean NOT NULL,
    blocked_until timestamptz,
    last_try_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, rule, key_hash)
) WITH (fillfactor = 80);
SELECT tenant_table('throttles', 'guard', 'select, insert, update, delete');

-- Sessions: no index on last_seen_at, so that a touch stays on its page.
CREATE TABLE sessions (
    tenant_id int NOT NULL,
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    subject_kind text NOT NULL CHECK (subject_kind IN ('member', 'staff')),
    subject_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    idle_seconds int NOT NULL,
    address text,
    agent text NOT NULL,
    PRIMARY KEY (tenant_id, token_hash)
) WITH (fillfactor = 80);
CREATE INDEX sessions_by_subject ON sessions (tenant_id, subject_id, session_id);
SELECT tenant_table('sessions', 'guard', 'select, insert, update, delete');
