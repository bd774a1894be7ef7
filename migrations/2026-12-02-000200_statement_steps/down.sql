ALTER TABLE statement_deliveries
    DROP COLUMN publish_by,
    DROP COLUMN publish_notice,
    DROP COLUMN published_by,
    DROP COLUMN ended_by,
    DROP COLUMN ended_why;
