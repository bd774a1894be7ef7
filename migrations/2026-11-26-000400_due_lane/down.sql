DROP INDEX due_by_line;
DROP INDEX due_by_turn;
ALTER TABLE due DROP COLUMN takes, DROP COLUMN leased_by, DROP COLUMN leased_until, DROP COLUMN turn, DROP COLUMN rank;
CREATE INDEX due_by_time ON due (queue, due_at);
