-- What staff do by hand: whose a number is that the roster doesn't know, and claims that count no more.

-- A number as files write it, by its keys, of whom staff have told whose it is. It helps only where the roster knows nobody.
CREATE TABLE remembered_numbers (
    tenant_id int NOT NULL,
    remembered_id uuid NOT NULL,
    -- '' is not given.
    symbol_key text COLLATE "C" NOT NULL,
    number_key text COLLATE "C" NOT NULL,
    branch_key text COLLATE "C" NOT NULL,
    personal_id text COLLATE "C" NOT NULL,
    -- 生年月日 as YYYY-MM-DD.
    born text COLLATE "C" NOT NULL,
    person_id uuid NOT NULL,
    told_by uuid NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, remembered_id),
    UNIQUE (tenant_id, symbol_key, number_key, branch_key, personal_id, born)
);
CREATE INDEX remembered_numbers_of_person ON remembered_numbers (tenant_id, person_id);
SELECT tenant_table('remembered_numbers', 'statements', 'select, insert, update, delete');

-- A claim that counts no more in any delivery up to a label; of a later one it does.
CREATE TABLE struck_claims (
    tenant_id int NOT NULL,
    struck_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('costs', 'medicines')),
    month date NOT NULL,
    claim_key text COLLATE "C" NOT NULL,
    until_label date NOT NULL,
    -- Whose claim it is.
    person_id uuid NOT NULL,
    reason text NOT NULL CHECK (reason IN ('not_theirs', 'returned', 'wrong', 'other')),
    -- What else was said of it; sealed, '' where nothing was.
    sealed bytea NOT NULL,
    struck_by uuid NOT NULL,
    struck_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, struck_id),
    UNIQUE (tenant_id, kind, month, claim_key, until_label)
);
CREATE INDEX struck_claims_of_person ON struck_claims (tenant_id, person_id);
SELECT tenant_table('struck_claims', 'statements', 'select, insert, update, delete');

-- Rows that wait, in the order in which they are listed.
CREATE INDEX IF NOT EXISTS held_rows_waiting ON held_rows (tenant_id, delivery, line) WHERE settled_at IS NULL;
