ALTER TABLE approvals DROP COLUMN also;
