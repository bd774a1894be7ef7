-- The insurers. Settings hold what a tenant.toml holds, and the heads of terms, pages and logo beside it, so that one
-- statement loads an insurer before its tenant is set.
CREATE TABLE insurers (
    tenant_id int PRIMARY KEY CHECK (tenant_id >= 0),
    insurer_code text UNIQUE CHECK (insurer_code ~ '^([0-9]{6}|[0-9]{8})$'),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('health_insurance', 'mutual_aid', 'national_health', 'platform')),
    state text NOT NULL CHECK (state IN ('open', 'suspended')),
    revision bigint NOT NULL,
    settings jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    applied_by text NOT NULL,
    -- The platform, and only it, has no code.
    CHECK ((tenant_id = 0) = (insurer_code IS NULL)),
    CHECK ((tenant_id = 0) = (kind = 'platform'))
);
SELECT directory_table('insurers', 'tenancy', 'select, insert, update');

-- Tenant 0. Absent settings take their defaults, so the service runs before `tenant apply` has seen the platform.
INSERT INTO insurers VALUES
    (0, NULL, '窓口 Madoguchi', 'platform', 'open', 0, '{}', '2026-11-22T00:00:00Z', '2026-11-22T00:00:00Z', 'migration');

CREATE TABLE insurer_revisions (
    tenant_id int NOT NULL,
    revision bigint NOT NULL,
    settings jsonb NOT NULL,
    content_hash text NOT NULL,
    applied_at timestamptz NOT NULL,
    applied_by text NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (tenant_id, revision)
);
SELECT tenant_table('insurer_revisions', 'tenancy', 'select, insert');

-- What members consent to is only ever added: a revision that is not yet in force may be rewritten, which adds a row
-- under the insurer's next revision; the service could not change or remove one if it wanted to.
CREATE TABLE terms_documents (
    tenant_id int NOT NULL,
    document text NOT NULL,
    revision int NOT NULL CHECK (revision >= 1),
    insurer_revision bigint NOT NULL,
    title text NOT NULL,
    effective_at timestamptz NOT NULL,
    changes text,
    body text NOT NULL,
    content_hash text NOT NULL,
    PRIMARY KEY (tenant_id, document, revision, insurer_revision)
);
SELECT tenant_table('terms_documents', 'tenancy', 'select, insert');

CREATE TABLE pages (
    tenant_id int NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, slug)
);
SELECT tenant_table('pages', 'tenancy', 'select, insert, update, delete');

-- By content: an old logo stays, since a page in somebody's browser may still ask for it.
CREATE TABLE logos (
    tenant_id int NOT NULL,
    hash text NOT NULL,
    media_type text NOT NULL,
    bytes bytea NOT NULL CHECK (octet_length(bytes) <= 65536),
    width int NOT NULL,
    height int NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);
SELECT tenant_table('logos', 'tenancy', 'select, insert');
