-- An account that its owner or the desk has closed: whose it was. It is nobody's then, and its person_id is its own id, so
-- that the person may open another.
ALTER TABLE accounts ADD COLUMN closed_person_id uuid;
CREATE INDEX IF NOT EXISTS accounts_closed ON accounts (tenant_id, emptied_at) WHERE closed_person_id IS NOT NULL;

-- Of which notices a member is told by mail: of all, unless a stream is turned off. The token stands in the links by which its
-- mails end without a log-in. It opens nothing else and says nothing, so it is kept as it is; no key has made it, so none that
-- goes ends it.
CREATE TABLE mail_wishes (
    tenant_id int NOT NULL,
    account_id uuid NOT NULL,
    stream text NOT NULL,
    token text NOT NULL,
    off_at timestamptz,
    PRIMARY KEY (tenant_id, account_id, stream),
    UNIQUE (tenant_id, token),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, account_id)
);
SELECT tenant_table('mail_wishes', 'accounts', 'select, insert, update');

-- Whether members are told of a notice by mail, and up to which account they were: nobody is told twice.
ALTER TABLE notices ADD COLUMN mail boolean NOT NULL DEFAULT false, ADD COLUMN mailed_to uuid;
