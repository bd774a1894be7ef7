DROP INDEX statement_runs_left;
DROP INDEX roster_runs_left;
ALTER TABLE statement_runs DROP COLUMN decided_name, DROP COLUMN decided_by;
ALTER TABLE roster_runs DROP COLUMN decided_name, DROP COLUMN decided_by;
