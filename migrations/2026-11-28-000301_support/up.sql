-- Which insurers the platform's support has asked or been let in to, until it ends: the platform's pages read it before
-- any insurer is known. Ids and times only. An operator asks an insurer for one at a time.
CREATE TABLE support_open (
    grant_id uuid NOT NULL PRIMARY KEY,
    tenant_id int NOT NULL,
    operator_id uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    -- None until it is granted.
    ends_at timestamptz,
    UNIQUE (tenant_id, operator_id)
);
SELECT directory_table('support_open', 'staff', 'select, insert, update, delete', 'everywhere');

ALTER TABLE support_grants
    -- Asked for, in hours.
    ADD COLUMN hours_wished int,
    -- When support first came in by it.
    ADD COLUMN entered_at timestamptz,
    -- declined, administrator, operator, account or over.
    ADD COLUMN ended_for text;
