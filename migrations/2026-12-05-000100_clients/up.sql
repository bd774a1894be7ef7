-- 連携先: programs of other systems. A client has its home in its insurer, a vendor's in tenant 0. What it may do in an insurer
-- is its grant there, on which tokens hang: a request asks nothing of its home.
CREATE TABLE clients (
    tenant_id int NOT NULL,
    client_id uuid NOT NULL,
    name text NOT NULL,
    -- 連絡先: an address of mail, sealed.
    contact bytea NOT NULL,
    -- Of a vendor's alone, and of its last day likewise: an insurer's own has them in its grant.
    networks text[] NOT NULL,
    expires_on date,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'revoked')),
    created_at timestamptz NOT NULL,
    created_by uuid,
    -- The last day of which its contact was told.
    told_of date,
    PRIMARY KEY (tenant_id, client_id),
    CHECK (tenant_id = 0 OR networks = '{}' AND expires_on IS NULL)
);
SELECT tenant_table('clients', 'clients', 'select, insert, update');

-- 秘密鍵: two at most are live.
CREATE TABLE client_secrets (
    tenant_id int NOT NULL,
    client_id uuid NOT NULL,
    secret_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    made_at timestamptz NOT NULL,
    -- Of one that another has taken the place of.
    ends_at timestamptz,
    PRIMARY KEY (tenant_id, client_id, secret_id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id)
);
SELECT tenant_table('client_secrets', 'clients', 'select, insert, update, delete');

-- In which insurers a vendor's client has a grant: in tenant 0 alone. A line stays when the grant ends.
CREATE TABLE client_places (
    tenant_id int NOT NULL,
    client_id uuid NOT NULL,
    insurer int NOT NULL,
    PRIMARY KEY (tenant_id, client_id, insurer),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id)
);
SELECT tenant_table('client_places', 'clients', 'select, insert');

-- 接続の許可: what a client may do in this insurer.
CREATE TABLE client_grants (
    tenant_id int NOT NULL,
    grant_id uuid NOT NULL,
    client_id uuid NOT NULL,
    -- Where the client has its row: here, or in tenant 0.
    home int NOT NULL,
    -- The client's.
    name text NOT NULL,
    scopes text[] NOT NULL,
    -- From where it may come; from anywhere where there is none.
    networks text[] NOT NULL,
    -- Its last day.
    expires_on date,
    -- As this insurer has it.
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'revoked')),
    -- As its home has it; written here from there.
    client_state text NOT NULL CHECK (client_state IN ('active', 'suspended', 'revoked')),
    created_at timestamptz NOT NULL,
    created_by uuid,
    last_used_at timestamptz,
    told_of date,
    PRIMARY KEY (tenant_id, grant_id),
    UNIQUE (tenant_id, client_id),
    CHECK (home IN (0, tenant_id))
);
SELECT tenant_table('client_grants', 'clients', 'select, insert, update');

-- アクセストークン.
CREATE TABLE client_tokens (
    tenant_id int NOT NULL,
    token_hash bytea NOT NULL,
    grant_id uuid NOT NULL,
    scopes text[] NOT NULL,
    -- From where its client may come at all, as its home had it when the token was made.
    networks text[] NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES client_grants (tenant_id, grant_id)
);
CREATE INDEX client_tokens_of_grant ON client_tokens (tenant_id, grant_id);
CREATE INDEX client_tokens_by_end ON client_tokens (tenant_id, expires_at);
SELECT tenant_table('client_tokens', 'clients', 'select, insert, delete');

-- How often a grant was used on a day in Japan: all answers; of them refused by us or failed; of them for being too many.
CREATE TABLE client_days (
    tenant_id int NOT NULL,
    grant_id uuid NOT NULL,
    day date NOT NULL,
    calls int NOT NULL,
    errors int NOT NULL,
    refused int NOT NULL,
    PRIMARY KEY (tenant_id, grant_id, day),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES client_grants (tenant_id, grant_id)
);
CREATE INDEX client_days_by_day ON client_days (tenant_id, day);
SELECT tenant_table('client_days', 'clients', 'select, insert, update, delete');

-- When a scope of a grant was last of use; one without a row never was.
CREATE TABLE client_scopes_used (
    tenant_id int NOT NULL,
    grant_id uuid NOT NULL,
    scope text NOT NULL,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, grant_id, scope),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES client_grants (tenant_id, grant_id)
);
SELECT tenant_table('client_scopes_used', 'clients', 'select, insert, update');
