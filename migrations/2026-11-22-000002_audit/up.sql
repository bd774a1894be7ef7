CREATE TABLE audit_events (
    tenant_id int NOT NULL,
    audit_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('visitor', 'member', 'staff', 'operator', 'client', 'system')),
    actor_id uuid,
    action text NOT NULL,
    outcome text NOT NULL,
    object_kind text,
    object_id uuid,
    channel text NOT NULL,
    address text,
    request_id uuid,
    detail jsonb NOT NULL,
    PRIMARY KEY (tenant_id, audit_id)
);
CREATE INDEX audit_events_by_object ON audit_events (tenant_id, object_id, at) WHERE object_id IS NOT NULL;
SELECT tenant_table('audit_events', 'audit', 'select, insert');
