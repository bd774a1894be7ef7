ALTER TABLE webhook_deliveries DROP COLUMN of_kind;
