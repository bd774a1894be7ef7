-- How old a queue is. `due_at` moves to the next try with each failure, so it can't tell how long an item has waited.
ALTER TABLE due ADD COLUMN since timestamptz;
UPDATE due SET since = due_at;
ALTER TABLE due ALTER COLUMN since SET NOT NULL;
CREATE INDEX due_by_age ON due (queue, since);
