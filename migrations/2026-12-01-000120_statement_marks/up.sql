-- Up to when of each kind an account has seen what is published: whatever was corrected or taken back behind that is told.
CREATE TABLE statement_marks (
    tenant_id int NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('costs', 'medicines')),
    -- When what they saw was last published, replaced or taken back.
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id, kind)
);
SELECT tenant_table('statement_marks', 'statements', 'select, insert, update, delete');
