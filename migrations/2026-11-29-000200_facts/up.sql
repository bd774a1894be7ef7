-- What changed people's rows said before, sealed: for their history, and for undoing an import. The id is the position in
-- roster_changes, written as a uuid, for what is sealed is bound to one. New people have nothing before.
CREATE TABLE roster_before (
    tenant_id int NOT NULL,
    change_id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, change_id)
);
SELECT tenant_table('roster_before', 'roster', 'select, insert, delete');

-- What staff set of a person. It holds until a file brings another value than from_file, the last one that a file brought;
-- 記号, 番号 and 枝番 are one fact. `present`: the person was added by hand, and no file has brought them yet.
CREATE TABLE facts_by_hand (
    tenant_id int NOT NULL,
    person_id uuid NOT NULL,
    field text NOT NULL,
    from_file text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, person_id, field)
);
SELECT tenant_table('facts_by_hand', 'roster', 'select, insert, update, delete');

-- Where the entries of an import begin and end in the journal; NULL of imports of before there were old values.
ALTER TABLE roster_imports ADD COLUMN after_position bigint, ADD COLUMN last_position bigint;

-- The import that a run undoes: each is undone once. And the job that does a run: where it is dead, so is the run.
ALTER TABLE roster_runs ADD COLUMN undoes uuid, ADD COLUMN job_id uuid;
CREATE INDEX roster_runs_undoing ON roster_runs (tenant_id, undoes)
    WHERE undoes IS NOT NULL AND state IN ('running', 'finished');

-- False of whom an undone import had found.
ALTER TABLE roster_staging ADD COLUMN present boolean NOT NULL DEFAULT true;
-- widens: facts by hand are laid over the rows.
COMMENT ON TABLE roster_staging IS 'tenant; crate roster; grants select, insert, update, delete';
