ALTER TABLE events DROP COLUMN position;
DROP TABLE event_heads;
