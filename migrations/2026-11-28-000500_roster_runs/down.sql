ALTER TABLE roster_staging DROP COLUMN movement;
DROP TABLE roster_mappings;
DROP TABLE roster_runs;
