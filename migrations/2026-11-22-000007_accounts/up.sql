-- Which insurer a user ID belongs to: unique over the platform whatever the case. A ticket reserves an ID for its life.
CREATE TABLE login_names (
    user_id_folded text PRIMARY KEY,
    tenant_id int NOT NULL,
    account_id uuid,
    ticket_id uuid,
    reserved_until timestamptz,
    CHECK ((account_id IS NULL) = (reserved_until IS NOT NULL))
);
CREATE INDEX login_names_by_ticket ON login_names (ticket_id) WHERE ticket_id IS NOT NULL;
SELECT directory_table('login_names', 'accounts', 'select, insert, update, delete');

-- A sign-up under way. The typed address and the hashed password are sealed, and erased once it is done.
CREATE TABLE sign_up_tickets (
    tenant_id int NOT NULL,
    ticket_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    person_id uuid NOT NULL,
    symbol text NOT NULL,
    number text NOT NULL,
    email_hint text,
    user_id text,
    password bytea,
    email bytea,
    tries int NOT NULL,
    sends int NOT NULL,
    last_sent_at timestamptz,
    mail_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    registered_at timestamptz,
    PRIMARY KEY (tenant_id, ticket_id),
    UNIQUE (tenant_id, secret_hash)
);
CREATE INDEX sign_up_tickets_by_person ON sign_up_tickets (tenant_id, person_id);
SELECT tenant_table('sign_up_tickets', 'accounts', 'select, insert, update, delete');

CREATE TABLE accounts (
    tenant_id int NOT NULL,
    account_id uuid NOT NULL,
    person_id uuid NOT NULL,
    user_id text NOT NULL,
    password bytea NOT NULL,
    password_changed_at timestamptz NOT NULL,
    email text NOT NULL,
    email_proven_at timestamptz NOT NULL,
    registered_at timestamptz NOT NULL,
    last_log_in_at timestamptz,
    previous_log_in_at timestamptz,
    reminded_at timestamptz,
    PRIMARY KEY (tenant_id, account_id),
    UNIQUE (tenant_id, person_id)
);
SELECT tenant_table('accounts', 'accounts', 'select, insert, update');

-- A new address waiting for its code; one per account.
CREATE TABLE email_changes (
    tenant_id int NOT NULL,
    account_id uuid NOT NULL,
    email text NOT NULL,
    tries int NOT NULL,
    sends int NOT NULL,
    last_sent_at timestamptz NOT NULL,
    mail_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, account_id)
);
SELECT tenant_table('email_changes', 'accounts', 'select, insert, update, delete');

-- The ledger of consents: only ever added to. `owner` is the tenant whose document it is (0: the platform's).
CREATE TABLE consents (
    tenant_id int NOT NULL,
    consent_id uuid NOT NULL,
    account_id uuid NOT NULL,
    owner int NOT NULL,
    document text NOT NULL,
    revision int NOT NULL,
    title text NOT NULL,
    content_hash text NOT NULL,
    at timestamptz NOT NULL,
    channel text NOT NULL,
    address text,
    PRIMARY KEY (tenant_id, consent_id),
    UNIQUE (tenant_id, account_id, owner, document, revision),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, account_id)
);
SELECT tenant_table('consents', 'accounts', 'select, insert');
