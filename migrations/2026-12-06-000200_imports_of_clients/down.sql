ALTER TABLE statement_runs DROP COLUMN goes_on, DROP COLUMN by_client;
ALTER TABLE roster_runs DROP COLUMN format, DROP COLUMN goes_on, DROP COLUMN by_client;
