-- A program's look at one person is found by its object. Large trails make it by hand before, CONCURRENTLY.
CREATE INDEX IF NOT EXISTS audit_events_by_look ON audit_events (tenant_id, object_id, audit_id)
    WHERE actor_kind = 'client' AND action = 'person.look';
