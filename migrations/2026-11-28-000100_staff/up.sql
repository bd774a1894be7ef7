-- Whoever works for an insurer, or in tenant 0 for the platform. One row for each insurer and mail address; none is ever
-- deleted, for the trail names them.
CREATE TABLE staff (
    tenant_id int NOT NULL,
    staff_id uuid NOT NULL,
    email text NOT NULL,
    -- As it is compared: without width and case.
    email_key text NOT NULL,
    name text NOT NULL,
    -- None until the invitation is accepted, and again once a reset is asked for by a colleague.
    password bytea,
    password_changed_at timestamptz,
    -- Failures that only success ends, as members' (accounts).
    guesses int NOT NULL,
    device_guesses int NOT NULL,
    factor_guesses int NOT NULL,
    created_at timestamptz NOT NULL,
    invited_by uuid,
    last_log_in_at timestamptz,
    previous_log_in_at timestamptz,
    -- Since when nobody comes in, and why: a colleague's word, or 90 days without a log-in.
    suspended_at timestamptz,
    suspended_for text CHECK (suspended_for IN ('colleague', 'unused')),
    PRIMARY KEY (tenant_id, staff_id),
    UNIQUE (tenant_id, email_key),
    CHECK ((suspended_at IS NULL) = (suspended_for IS NULL))
);
SELECT tenant_table('staff', 'staff', 'select, insert, update');

-- What each may do. Without symbols and workplaces it reaches everybody.
CREATE TABLE staff_roles (
    tenant_id int NOT NULL,
    staff_id uuid NOT NULL,
    role text NOT NULL,
    symbols text[],
    workplaces text[],
    granted_by uuid,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, staff_id, role),
    FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, staff_id)
);
SELECT tenant_table('staff_roles', 'staff', 'select, insert, update, delete');

-- Second factors that are kept: authenticator apps and passkeys. The secret is sealed to insurer and factor.
CREATE TABLE staff_factors (
    tenant_id int NOT NULL,
    factor_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('totp', 'passkey')),
    label text NOT NULL,
    sealed bytea NOT NULL,
    -- The last step of an authenticator app that was used: none works twice.
    step bigint,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    PRIMARY KEY (tenant_id, factor_id),
    FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, staff_id)
);
CREATE INDEX staff_factors_by_staff ON staff_factors (tenant_id, staff_id);
SELECT tenant_table('staff_factors', 'staff', 'select, insert, update, delete');

-- Printed one-time codes: only their keyed hashes. A new list replaces the one before.
CREATE TABLE staff_codes (
    tenant_id int NOT NULL,
    staff_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (tenant_id, staff_id, code_hash),
    FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, staff_id)
);
SELECT tenant_table('staff_codes', 'staff', 'select, insert, update, delete');

-- The platform's support, let in: asked for by an operator, granted for hours by an administrator of the insurer.
CREATE TABLE support_grants (
    tenant_id int NOT NULL,
    grant_id uuid NOT NULL,
    -- Of tenant 0's staff.
    operator_id uuid NOT NULL,
    operator_name text NOT NULL,
    reason text NOT NULL,
    asked_at timestamptz NOT NULL,
    granted_by uuid,
    granted_at timestamptz,
    ends_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, grant_id)
);
CREATE INDEX support_grants_by_time ON support_grants (tenant_id, asked_at);
SELECT tenant_table('support_grants', 'staff', 'select, insert, update');

ALTER TABLE sessions
    -- When its holder last proved a second factor; a session of staff without it opens nothing but that proof.
    ADD COLUMN proved_at timestamptz,
    -- The grant that a session of support lives by.
    ADD COLUMN grant_id uuid;
-- widens: sessions of the platform's support, by a grant.
ALTER TABLE sessions DROP CONSTRAINT sessions_subject_kind_check,
    ADD CONSTRAINT sessions_subject_kind_check CHECK (subject_kind IN ('member', 'staff', 'support'));
