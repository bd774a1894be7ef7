-- Imports on their way, from the console and from the command line: who asked, how far they are, and whether they are to
-- go on. A row of its own, for the import's one transaction is seen by nobody until it ends; its end writes this row too, and
-- only where nobody cancelled. An import that ended has its facts in roster_imports, under the same id.
CREATE TABLE roster_runs (
    tenant_id int NOT NULL,
    run_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN
        ('receiving', 'received', 'comparing', 'compared', 'running', 'finished', 'refused', 'cancelled', 'broken')),
    -- Of the insurer's staff; none of the command line's.
    started_by uuid,
    by_name text NOT NULL,
    file_name text NOT NULL,
    upload_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    -- When the state or the progress last moved.
    moved_at timestamptz NOT NULL,
    stage text NOT NULL,
    rows bigint NOT NULL,
    percent int NOT NULL,
    -- Which header means which column, as it was chosen for this file.
    mapping jsonb NOT NULL,
    -- Counts.
    report jsonb NOT NULL,
    -- What of the file's people is shown to whoever decides.
    sealed bytea,
    -- The file of all errors, in pieces.
    errors_id uuid,
    PRIMARY KEY (tenant_id, run_id)
);
CREATE INDEX roster_runs_by_time ON roster_runs (tenant_id, created_at);
-- One works at a time.
CREATE UNIQUE INDEX roster_runs_at_work ON roster_runs (tenant_id) WHERE state IN ('comparing', 'running');
SELECT tenant_table('roster_runs', 'roster', 'select, insert, update, delete');

-- Which header of its files an insurer means by a column; '' where the column is not to be read.
CREATE TABLE roster_mappings (
    tenant_id int NOT NULL,
    field text NOT NULL,
    header text NOT NULL,
    PRIMARY KEY (tenant_id, field)
);
SELECT tenant_table('roster_mappings', 'roster', 'select, insert, update, delete');

-- 異動区分 of a file of changes: add, change or lose; '' in a whole roster.
ALTER TABLE roster_staging ADD COLUMN movement text NOT NULL DEFAULT '';
