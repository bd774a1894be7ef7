-- Terms as somebody writes them, before they are published. Each saving names the version that it was written over.
CREATE TABLE terms_drafts (
    tenant_id int NOT NULL,
    document text NOT NULL,
    revision int NOT NULL CHECK (revision >= 1),
    version int NOT NULL CHECK (version >= 1),
    title text NOT NULL,
    effective_on date,
    agree_again boolean NOT NULL,
    changes text NOT NULL,
    body text NOT NULL,
    saved_by text NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, document, revision)
);
SELECT tenant_table('terms_drafts', 'tenancy', 'select, insert, update, delete');

-- Who accepted a revision, in the order of their consents: counted, and exported page by page.
CREATE INDEX IF NOT EXISTS consents_by_revision ON consents (tenant_id, owner, document, revision, consent_id);
