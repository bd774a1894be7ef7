ALTER TABLE protections DROP COLUMN position;
