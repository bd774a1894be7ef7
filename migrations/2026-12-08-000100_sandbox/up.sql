-- A sandbox is made as one and stays one: a column, for settings change.
ALTER TABLE insurers ADD COLUMN sandbox boolean NOT NULL DEFAULT false;
-- widens: a mail of a sandbox is kept in the place of being sent. What stands passed the narrower check, so nothing is read.
ALTER TABLE mails DROP CONSTRAINT mails_state_check,
    ADD CONSTRAINT mails_state_check CHECK (state IN ('queued', 'sent', 'expired', 'undeliverable', 'kept')) NOT VALID;
-- widens: and so is what it says.
ALTER TABLE mails DROP CONSTRAINT mails_check,
    ADD CONSTRAINT mails_check CHECK (
        CASE WHEN state IN ('queued', 'kept') THEN sealed IS NOT NULL WHEN state = 'undeliverable' THEN true
             ELSE sealed IS NULL END) NOT VALID;
