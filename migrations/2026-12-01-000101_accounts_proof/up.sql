-- How an account's owner was proven at sign-up: by facts of the roster, which a spouse knows too, or by a code from a letter.
ALTER TABLE accounts ADD COLUMN proof text NOT NULL DEFAULT 'facts' CHECK (proof IN ('facts', 'letter'));
