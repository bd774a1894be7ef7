-- The insured as the insurer knows them. Keys and folds are the kernel's, made by the import; '' means not given.
CREATE TABLE persons (
    tenant_id int NOT NULL,
    person_id uuid NOT NULL,
    symbol text NOT NULL,
    symbol_key text NOT NULL,
    number text NOT NULL,
    number_key text NOT NULL,
    branch text NOT NULL,
    branch_key text NOT NULL,
    kana_name text NOT NULL,
    kana_strict text COLLATE "C" NOT NULL,
    kana_fold1 text COLLATE "C" NOT NULL,
    kana_fold2 text COLLATE "C" NOT NULL,
    fold_version smallint NOT NULL,
    name text NOT NULL,
    gender text NOT NULL,
    birth_date date NOT NULL,
    attribute text NOT NULL,
    relationship text NOT NULL,
    insured boolean NOT NULL,
    acquired_on date,
    -- 資格喪失日, the first day without coverage; for a person missing from a whole roster the day of that import.
    lost_on date,
    -- In the last whole roster.
    present boolean NOT NULL,
    postal_code text NOT NULL,
    address text NOT NULL,
    building text NOT NULL,
    phone text NOT NULL,
    -- The insurer's; the proven log-in address is the account's.
    email text NOT NULL,
    workplace_code text NOT NULL,
    department_code text NOT NULL,
    distribution_code text NOT NULL,
    employee_number text NOT NULL,
    employee_key text NOT NULL,
    personal_id text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, person_id)
);
-- Identity matching: equality on every column, one household at most.
CREATE INDEX persons_identity ON persons (tenant_id, symbol_key, number_key, birth_date);
-- A branch may be given anew once its former holder has left the roster, and is unknown in older rosters.
CREATE UNIQUE INDEX persons_branch ON persons (tenant_id, symbol_key, number_key, branch_key)
    WHERE present AND branch_key <> '';
CREATE UNIQUE INDEX persons_personal_id ON persons (tenant_id, personal_id) WHERE personal_id <> '';
SELECT tenant_table('persons', 'roster', 'select, insert, update');

-- One row per insurer: locked while an import runs, so that there is one at a time, and the journal's last position.
CREATE TABLE roster_heads (
    tenant_id int NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id)
);
SELECT tenant_table('roster_heads', 'roster', 'select, insert, update');

-- Imports that ended: finished or refused. One that broke off leaves nothing, and a dry run neither. Who ran it stands
-- in the audit trail, under the import's id.
CREATE TABLE roster_imports (
    tenant_id int NOT NULL,
    import_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('finished', 'refused')),
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    file_name text NOT NULL,
    file_hash bytea NOT NULL,
    encoding text NOT NULL,
    rows bigint NOT NULL,
    new_count bigint NOT NULL,
    changed_count bigint NOT NULL,
    returned_count bigint NOT NULL,
    lost_count bigint NOT NULL,
    unchanged_count bigint NOT NULL,
    error_count bigint NOT NULL,
    PRIMARY KEY (tenant_id, import_id)
);
SELECT tenant_table('roster_imports', 'roster', 'select, insert');

-- What imports changed: names of fields, no values. Positions have no gaps and grow in the order of commit. No foreign
-- key to persons: nobody is ever deleted there, and the check would double the time of a first import.
CREATE TABLE roster_changes (
    tenant_id int NOT NULL,
    position bigint NOT NULL,
    import_id uuid NOT NULL,
    person_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('new', 'changed', 'lost', 'returned')),
    fields text[] NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
SELECT tenant_table('roster_changes', 'roster', 'select, insert');

-- The rows of the file being imported, and whom of the roster they mean. Rows live inside the import's transaction
-- only, so nothing is lost with a crash and nothing needs the write-ahead log.
CREATE UNLOGGED TABLE roster_staging (
    tenant_id int NOT NULL,
    line bigint NOT NULL,
    person_id uuid NOT NULL,
    symbol text NOT NULL,
    symbol_key text NOT NULL,
    number text NOT NULL,
    number_key text NOT NULL,
    branch text NOT NULL,
    branch_key text NOT NULL,
    kana_name text NOT NULL,
    kana_strict text COLLATE "C" NOT NULL,
    kana_fold1 text COLLATE "C" NOT NULL,
    kana_fold2 text COLLATE "C" NOT NULL,
    name text NOT NULL,
    gender text NOT NULL,
    birth_date date NOT NULL,
    attribute text NOT NULL,
    relationship text NOT NULL,
    insured boolean NOT NULL,
    acquired_on date,
    lost_on date,
    postal_code text NOT NULL,
    address text NOT NULL,
    building text NOT NULL,
    phone text NOT NULL,
    email text NOT NULL,
    workplace_code text NOT NULL,
    department_code text NOT NULL,
    distribution_code text NOT NULL,
    employee_number text NOT NULL,
    employee_key text NOT NULL,
    personal_id text NOT NULL,
    PRIMARY KEY (tenant_id, line)
);
SELECT tenant_table('roster_staging', 'roster', 'select, insert, delete');

CREATE UNLOGGED TABLE roster_matches (
    tenant_id int NOT NULL,
    line bigint NOT NULL,
    person_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, line)
);
SELECT tenant_table('roster_matches', 'roster', 'select, insert, delete');
