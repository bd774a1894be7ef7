-- A refused form that is too long for a cookie, sealed, until its page has shown it again: an hour. A member's is their
-- insurer's; one that anybody may send is tenant 0's.
CREATE TABLE kept_forms (
    tenant_id int NOT NULL,
    form_id uuid NOT NULL,
    sealed bytea NOT NULL,
    kept_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, form_id)
);
CREATE INDEX kept_forms_by_end ON kept_forms (tenant_id, kept_until);
SELECT tenant_table('kept_forms', 'pages', 'select, insert, delete');
