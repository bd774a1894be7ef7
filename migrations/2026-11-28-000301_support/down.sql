ALTER TABLE support_grants DROP COLUMN hours_wished, DROP COLUMN entered_at, DROP COLUMN ended_for;
DROP TABLE support_open;
