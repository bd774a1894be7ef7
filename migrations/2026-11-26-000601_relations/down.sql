ALTER TABLE roster_staging DROP COLUMN relation;
ALTER TABLE persons DROP COLUMN relation;
