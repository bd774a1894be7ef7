-- Persons and accounts are emptied when they have served their time, and found for it without reading an insurer.
ALTER TABLE persons ADD COLUMN emptied_at timestamptz;
CREATE INDEX persons_lost ON persons (tenant_id, lost_on) WHERE lost_on IS NOT NULL AND emptied_at IS NULL;
ALTER TABLE accounts ADD COLUMN emptied_at timestamptz;
CREATE INDEX accounts_emptied ON accounts (tenant_id, emptied_at) WHERE emptied_at IS NOT NULL AND user_id <> '';

-- Marks of notices that nobody counts as unread any more.
CREATE INDEX notice_reads_by_time ON notice_reads (tenant_id, at);
-- widens: the service may delete them.
COMMENT ON TABLE notice_reads IS 'tenant; crate notices; grants select, insert, delete';
