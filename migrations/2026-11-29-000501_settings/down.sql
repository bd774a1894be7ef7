ALTER TABLE insurer_revisions DROP COLUMN why, DROP COLUMN channel;
ALTER TABLE insurers DROP COLUMN sender_domains;
