ALTER TABLE accounts DROP COLUMN proof;
