ALTER TABLE notices DROP COLUMN by_client;
ALTER TABLE notice_drafts DROP COLUMN by_client;
