-- Imports of statements from the console, on their way and at their end: what file, how far, and what was found in it. The rows
-- themselves go into a delivery; the end of a load and the end of its run are one commit.
CREATE TABLE statement_runs (
    tenant_id int NOT NULL,
    run_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('costs', 'medicines')),
    -- 処理年月, where whoever has the file checked says so.
    label date,
    state text NOT NULL CHECK (state IN
        ('received', 'checking', 'checked', 'loading', 'loaded', 'refused', 'cancelled', 'broken')),
    -- Of the insurer's staff: who brought the file, and later who has it loaded.
    started_by uuid NOT NULL,
    by_name text NOT NULL,
    file_name text NOT NULL,
    upload_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    -- When the state or the progress last moved.
    moved_at timestamptz NOT NULL,
    stage text NOT NULL,
    rows bigint NOT NULL CHECK (rows >= 0),
    percent int NOT NULL CHECK (percent BETWEEN 0 AND 100),
    -- Which header means which column, as it was chosen for this file.
    mapping jsonb NOT NULL,
    -- Counts and sums, nobody's.
    report jsonb NOT NULL,
    -- True once somebody has said that what is unusual about the file is right.
    agreed boolean NOT NULL,
    -- What of the file is shown to whoever decides.
    sealed bytea,
    -- The file of all errors, in pieces.
    errors_id uuid,
    -- The job that does it: where that is dead, so is the run.
    job_id uuid,
    -- The delivery into which it loads.
    delivery int,
    PRIMARY KEY (tenant_id, run_id)
);
CREATE INDEX statement_runs_by_time ON statement_runs (tenant_id, created_at);
-- One works at a time, of a kind.
CREATE UNIQUE INDEX statement_runs_at_work ON statement_runs (tenant_id, kind) WHERE state IN ('checking', 'loading');
SELECT tenant_table('statement_runs', 'statements', 'select, insert, update, delete');

-- Which header of its files an insurer means by a column; '' where the column is not to be read.
CREATE TABLE statement_mappings (
    tenant_id int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('costs', 'medicines')),
    field text NOT NULL,
    header text NOT NULL,
    PRIMARY KEY (tenant_id, kind, field)
);
SELECT tenant_table('statement_mappings', 'statements', 'select, insert, delete');

-- Who of the insurer's staff had it loaded; none of the command line's.
ALTER TABLE statement_deliveries ADD COLUMN imported_by uuid;
