-- Who of the staff had a file imported that somebody else, or a client, had brought: who brought it stays beside it.
ALTER TABLE roster_runs ADD COLUMN decided_by uuid, ADD COLUMN decided_name text;
ALTER TABLE statement_runs ADD COLUMN decided_by uuid, ADD COLUMN decided_name text;
-- What clients sent and staff decide on is counted by the console's home.
CREATE INDEX IF NOT EXISTS roster_runs_left ON roster_runs (tenant_id, created_at)
    WHERE state = 'compared' AND by_client AND goes_on;
CREATE INDEX IF NOT EXISTS statement_runs_left ON statement_runs (tenant_id, created_at)
    WHERE state = 'checked' AND by_client AND goes_on;
