ALTER TABLE statement_deliveries DROP COLUMN imported_by;
DROP TABLE statement_mappings, statement_runs;
