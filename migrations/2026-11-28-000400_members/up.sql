-- By which staff find people. NULL in rows of earlier imports until the next one, as all keys of an earlier version are.
ALTER TABLE persons
    ADD COLUMN name_key text COLLATE "C",
    ADD COLUMN email_key text COLLATE "C",
    -- Whether the person has an account, so that a list of those with or without one is read from an index. Written with
    -- the account, by the roster's own function; what pages say of an account is always read from the account.
    ADD COLUMN registered boolean NOT NULL DEFAULT false;
ALTER TABLE roster_staging
    ADD COLUMN name_key text COLLATE "C",
    ADD COLUMN email_key text COLLATE "C";

-- User IDs and addresses are ASCII: lower case is all there is to fold.
ALTER TABLE accounts
    ADD COLUMN user_id_key text COLLATE "C" GENERATED ALWAYS AS (lower(user_id COLLATE "C")) STORED,
    ADD COLUMN email_key text COLLATE "C" GENERATED ALWAYS AS (lower(email COLLATE "C")) STORED;

-- Numbers that people had before. The present one stands in persons alone: a second copy of every number would double
-- what a first import writes, and be one more thing to keep equal.
CREATE TABLE person_numbers (
    tenant_id int NOT NULL,
    person_id uuid NOT NULL,
    -- By which it was replaced. Ids grow with time, so they order a person's numbers.
    import_id uuid NOT NULL,
    symbol text NOT NULL,
    symbol_key text NOT NULL,
    number text NOT NULL,
    number_key text NOT NULL,
    branch text NOT NULL,
    branch_key text NOT NULL,
    -- The first day on which the next one counted.
    ended_on date NOT NULL,
    PRIMARY KEY (tenant_id, person_id, import_id)
);
CREATE INDEX person_numbers_by_number ON person_numbers (tenant_id, symbol_key, number_key);
SELECT tenant_table('person_numbers', 'roster', 'select, insert, delete');

-- Staff's list is in the order of names, and so is each single filter of it. What is rare is a partial index, which costs an
-- import little.
CREATE INDEX IF NOT EXISTS persons_by_kana ON persons (tenant_id, kana_fold1, person_id) WHERE emptied_at IS NULL;
CREATE INDEX IF NOT EXISTS persons_by_other_kana ON persons (tenant_id, kana_fold2, person_id)
    WHERE emptied_at IS NULL AND kana_fold2 <> kana_fold1;
CREATE INDEX IF NOT EXISTS persons_by_name ON persons (tenant_id, name_key, person_id)
    WHERE emptied_at IS NULL AND name_key <> '';
CREATE INDEX IF NOT EXISTS persons_by_workplace ON persons (tenant_id, workplace_code, kana_fold1, person_id)
    WHERE emptied_at IS NULL AND workplace_code <> '';
CREATE INDEX IF NOT EXISTS persons_by_registration ON persons (tenant_id, registered, kana_fold1, person_id)
    WHERE emptied_at IS NULL;
CREATE INDEX IF NOT EXISTS persons_dependent ON persons (tenant_id, kana_fold1, person_id)
    WHERE emptied_at IS NULL AND NOT insured;
CREATE INDEX IF NOT EXISTS persons_with_loss ON persons (tenant_id, kana_fold1, person_id)
    WHERE emptied_at IS NULL AND lost_on IS NOT NULL;
CREATE INDEX IF NOT EXISTS persons_by_employee ON persons (tenant_id, employee_key)
    WHERE emptied_at IS NULL AND employee_key <> '';
CREATE INDEX IF NOT EXISTS persons_by_email ON persons (tenant_id, email_key)
    WHERE emptied_at IS NULL AND email_key <> '';
CREATE INDEX IF NOT EXISTS accounts_by_user_id ON accounts (tenant_id, user_id_key, person_id) WHERE emptied_at IS NULL;
CREATE INDEX IF NOT EXISTS accounts_by_email ON accounts (tenant_id, email_key) WHERE emptied_at IS NULL;
-- Whose entry is the first is told by the person's row.
CREATE INDEX IF NOT EXISTS roster_changes_by_person ON roster_changes (tenant_id, person_id, position) WHERE kind <> 'new';
CREATE INDEX IF NOT EXISTS mails_by_subject ON mails (tenant_id, subject_id, mail_id) WHERE subject_id IS NOT NULL;
