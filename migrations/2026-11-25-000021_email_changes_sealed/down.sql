TRUNCATE email_changes;
ALTER TABLE email_changes ALTER COLUMN email TYPE text USING '';
