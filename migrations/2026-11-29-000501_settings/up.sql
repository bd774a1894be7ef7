-- Domains on which an insurer's own administrators may set the address that its mails come from: an operator's word.
ALTER TABLE insurers ADD COLUMN sender_domains text[] NOT NULL DEFAULT '{}';

-- Through which door a revision came: a folder that knows of no revision may not be laid over the console's.
ALTER TABLE insurer_revisions
    ADD COLUMN channel text NOT NULL DEFAULT 'command' CHECK (channel IN ('command', 'console')),
    ADD COLUMN why text;
