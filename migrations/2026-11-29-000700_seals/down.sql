DROP INDEX audit_events_by_action;
DROP INDEX audit_events_by_actor;
DROP TABLE audit_segments;
DROP TABLE audit_seals;
