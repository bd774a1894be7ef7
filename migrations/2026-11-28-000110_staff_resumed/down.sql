ALTER TABLE staff DROP COLUMN factor_reset_at, DROP COLUMN resumed_at;
