COMMENT ON TABLE roster_staging IS 'tenant; crate roster; grants select, insert, delete';
ALTER TABLE roster_staging DROP COLUMN present;
DROP INDEX roster_runs_undoing;
ALTER TABLE roster_runs DROP COLUMN undoes, DROP COLUMN job_id;
ALTER TABLE roster_imports DROP COLUMN after_position, DROP COLUMN last_position;
DROP TABLE facts_by_hand;
DROP TABLE roster_before;
