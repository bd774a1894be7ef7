-- Lines of support stay: they are never changed.
ALTER TABLE audit_events DROP CONSTRAINT audit_events_actor_kind_check,
    ADD CONSTRAINT audit_events_actor_kind_check
        CHECK (actor_kind IN ('visitor', 'member', 'staff', 'operator', 'client', 'system')) NOT VALID;
DROP TABLE audit_looks;
DROP TABLE audit_subjects;
