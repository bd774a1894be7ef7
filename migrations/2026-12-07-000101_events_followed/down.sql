ALTER TABLE event_heads DROP COLUMN followed;
