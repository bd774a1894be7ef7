-- The proof of the trail. A seal closes a segment of an insurer's lines: those between the id before which the seal before
-- it ends and its own. What exactly is hashed, security.md says. Seals stay when their lines are pruned.
CREATE TABLE audit_seals (
    tenant_id int NOT NULL,
    -- 1, 2, 3 …
    segment bigint NOT NULL,
    -- Lines with a lesser id are sealed.
    before_id uuid NOT NULL,
    -- Up to this segment was looked for lines that came after theirs was closed.
    settled bigint NOT NULL,
    lines int NOT NULL,
    -- Of earlier segments, and found by this one.
    late int NOT NULL,
    -- SHA-256 in hexadecimals: of audit_segments.digests, of the seal before, and of this one.
    digests_hash text NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL,
    sealed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, segment)
);
SELECT tenant_table('audit_seals', 'audit', 'select, insert');

-- Which line has which SHA-256, so that a change can be told by line: ids and digests, 48 bytes a line. It goes with the lines.
CREATE TABLE audit_segments (
    tenant_id int NOT NULL,
    segment bigint NOT NULL,
    digests bytea NOT NULL,
    PRIMARY KEY (tenant_id, segment)
);
SELECT tenant_table('audit_segments', 'audit', 'select, insert');

-- The trail is read by who and by what, each page going on by the id. About whom it is read by audit_events_by_object.
CREATE INDEX IF NOT EXISTS audit_events_by_actor ON audit_events (tenant_id, actor_id, audit_id) WHERE actor_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_events_by_action ON audit_events (tenant_id, action, audit_id);
