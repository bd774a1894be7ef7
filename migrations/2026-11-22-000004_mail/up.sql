-- The outbox: written in the business transaction, sent afterwards. `sealed` holds the address and the parameters and
-- is erased once the mail is sent, expired or undeliverable; what stays tells no more than that there was a mail.
CREATE TABLE mails (
    tenant_id int NOT NULL,
    mail_id uuid NOT NULL,
    template text NOT NULL,
    masked_to text NOT NULL,
    message_id text NOT NULL,
    subject_id uuid,
    sealed bytea,
    state text NOT NULL CHECK (state IN ('queued', 'sent', 'expired', 'undeliverable')),
    attempts int NOT NULL,
    leased_until timestamptz,
    last_error text,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CHECK ((state = 'queued') = (sealed IS NOT NULL)),
    PRIMARY KEY (tenant_id, mail_id)
);
SELECT tenant_table('mails', 'mail', 'select, insert, update, delete');
