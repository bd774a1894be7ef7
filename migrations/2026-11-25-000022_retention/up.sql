-- The hourly sweeps find what has served its time without reading the rest of an insurer. None of these columns changes
-- while its row is in use, so a touched session and a code that is tried stay on their pages as before.
--
-- Throttles have no such index: each try moves their time, and with an index on it each try would write one more entry.
-- Their sweep reads an insurer's throttles whole, which are those of two days.
CREATE INDEX sign_up_tickets_by_end ON sign_up_tickets (tenant_id, expires_at);
CREATE INDEX email_changes_by_end ON email_changes (tenant_id, expires_at);
CREATE INDEX login_names_by_end ON login_names (tenant_id, reserved_until) WHERE reserved_until IS NOT NULL;
CREATE INDEX codes_by_end ON codes (tenant_id, expires_at);
CREATE INDEX links_by_end ON links (tenant_id, expires_at);
CREATE INDEX sessions_by_end ON sessions (tenant_id, expires_at);
CREATE INDEX mails_by_end ON mails (tenant_id, finished_at) WHERE finished_at IS NOT NULL;
