-- An address that staff set for an account: its owner proves it by a code, and it counts a day after the old one was told.
CREATE TABLE desk_email_changes (
    tenant_id int NOT NULL,
    account_id uuid NOT NULL,
    -- Sealed.
    email bytea NOT NULL,
    asked_by uuid NOT NULL,
    tries int NOT NULL,
    sends int NOT NULL,
    last_sent_at timestamptz NOT NULL,
    mail_id uuid NOT NULL,
    counts_at timestamptz NOT NULL,
    proven_at timestamptz,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, account_id)
);
CREATE INDEX desk_email_changes_by_end ON desk_email_changes (tenant_id, expires_at);
SELECT tenant_table('desk_email_changes', 'accounts', 'select, insert, update, delete');

-- What staff note of a person whom they have spoken with. Never edited; struck out at most.
CREATE TABLE member_notes (
    tenant_id int NOT NULL,
    note_id uuid NOT NULL,
    person_id uuid NOT NULL,
    -- Sealed.
    text bytea NOT NULL,
    written_by uuid NOT NULL,
    at timestamptz NOT NULL,
    struck_at timestamptz,
    PRIMARY KEY (tenant_id, note_id)
);
CREATE INDEX member_notes_of_person ON member_notes (tenant_id, person_id, note_id);
CREATE INDEX member_notes_by_time ON member_notes (tenant_id, at);
SELECT tenant_table('member_notes', 'members', 'select, insert, update, delete');
