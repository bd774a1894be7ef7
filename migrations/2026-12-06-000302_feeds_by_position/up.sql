-- What programs follow or list: protections that were set or lifted, and mails by how far they are. Of a large database the second
-- is made by hand, CONCURRENTLY, before this.
CREATE INDEX IF NOT EXISTS protections_by_position ON protections (tenant_id, position) WHERE position IS NOT NULL;
CREATE INDEX IF NOT EXISTS mails_not_sent ON mails (tenant_id, state, mail_id) WHERE state <> 'sent';
