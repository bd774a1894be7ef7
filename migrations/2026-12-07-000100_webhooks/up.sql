-- 接続先: where a program is told what happened in this insurer. It hangs on the client's grant.
CREATE TABLE webhook_endpoints (
    tenant_id int NOT NULL,
    webhook_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    url text NOT NULL,
    -- What kinds of events it is told of.
    kinds text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'disabled', 'ended')),
    -- Why it is disabled.
    why text,
    -- Events up to here happened before it was made.
    after_position bigint NOT NULL,
    -- Counts its states, for whoever changes one that they know.
    version int NOT NULL,
    -- What signs, sealed; the one before signs as well, for a while.
    secret bytea,
    old_secret bytea,
    old_until timestamptz,
    created_at timestamptz NOT NULL,
    last_success_at timestamptz,
    -- Since when nothing has arrived, though it was tried.
    failing_since timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, webhook_id),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES client_grants (tenant_id, grant_id),
    CHECK ((secret IS NULL) = (state = 'ended') AND (ended_at IS NULL) = (state <> 'ended'))
);
CREATE UNIQUE INDEX webhook_endpoints_by_url ON webhook_endpoints (tenant_id, grant_id, url) WHERE state <> 'ended';
SELECT tenant_table('webhook_endpoints', 'webhooks', 'select, insert, update, delete');

-- What an endpoint is to be told, and what became of it: ids and codes alone.
CREATE TABLE webhook_deliveries (
    tenant_id int NOT NULL,
    webhook_id uuid NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    subject uuid NOT NULL,
    -- Whom it is about, where it is about somebody.
    person_id uuid,
    -- Where it stands among what this endpoint is told of the subject, and among all events.
    sequence bigint NOT NULL,
    position bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed', 'given_up')),
    tries int NOT NULL,
    -- When it is tried next.
    next_at timestamptz,
    -- How the last try ended: a status of HTTP, or a word.
    status int,
    reason text,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, webhook_id, event_id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhook_endpoints (tenant_id, webhook_id),
    CHECK ((state = 'waiting') = (next_at IS NOT NULL) AND (state = 'waiting') = (finished_at IS NULL))
);
-- Of what waits, each in words of its own, by which its statement finds it and no other: the planner takes what waits for little,
-- of which it may read all, and for an endpoint that fails it is very much.
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (tenant_id, webhook_id, next_at, position) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_of_subject ON webhook_deliveries (tenant_id, webhook_id, subject, position)
    WHERE finished_at IS NULL;
-- The state first: after the endpoint the planner would take it for as good as the key, and go through all of the endpoint's.
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (tenant_id, state, webhook_id, event_id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (tenant_id, happened_at);
SELECT tenant_table('webhook_deliveries', 'webhooks', 'select, insert, update, delete');

-- How much an endpoint was told of a subject: the sequence of the last.
CREATE TABLE webhook_sequences (
    tenant_id int NOT NULL,
    webhook_id uuid NOT NULL,
    subject uuid NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (tenant_id, webhook_id, subject),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhook_endpoints (tenant_id, webhook_id)
);
SELECT tenant_table('webhook_sequences', 'webhooks', 'select, insert, update, delete');

-- Up to which event the insurer's endpoints have been looked at.
CREATE TABLE webhook_cursors (
    tenant_id int NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id)
);
SELECT tenant_table('webhook_cursors', 'webhooks', 'select, insert, update');
