-- Requests of programs that are done once, however often they come: by the Idempotency-Key that came with them. Whoever does one
-- holds it; the answer is kept in the transaction that does it, so neither is there without the other.
CREATE TABLE idempotency_keys (
    tenant_id int NOT NULL,
    request_id uuid NOT NULL,
    -- SHA-256 of the grant, the operation and the key. Not keyed: while the ring changes it is to be found by every node.
    key_digest bytea NOT NULL,
    -- What was asked for, hashed: path and body.
    asked_hash bytea NOT NULL,
    asked_at timestamptz NOT NULL,
    -- Until when nobody else may think that whoever does it died; by the database's clock.
    leased_until timestamptz NOT NULL,
    -- The answer, once it is done.
    sealed bytea,
    PRIMARY KEY (tenant_id, request_id),
    UNIQUE (tenant_id, key_digest)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (tenant_id, asked_at);
SELECT tenant_table('idempotency_keys', 'clients', 'select, insert, update, delete');
