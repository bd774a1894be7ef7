-- What waits between the two halves of a second factor: the challenge that a passkey is to sign, the secret of an
-- authenticator app that has not shown a right code yet, a list of printed codes that was not looked at yet. One of each
-- kind for a session; whoever takes it deletes it, so that each works once.
CREATE TABLE staff_ceremonies (
    tenant_id int NOT NULL,
    ceremony_id uuid NOT NULL,
    session_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('app', 'passkey', 'proof', 'codes')),
    sealed bytea NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, ceremony_id),
    UNIQUE (tenant_id, session_id, kind)
);
CREATE INDEX staff_ceremonies_by_end ON staff_ceremonies (tenant_id, ends_at);
SELECT tenant_table('staff_ceremonies', 'staff', 'select, insert, update, delete');
