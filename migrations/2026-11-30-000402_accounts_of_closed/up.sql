-- What accounts a person had before.
CREATE INDEX IF NOT EXISTS accounts_of_closed ON accounts (tenant_id, closed_person_id)
    WHERE closed_person_id IS NOT NULL;
