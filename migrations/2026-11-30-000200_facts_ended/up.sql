-- Facts by hand that an import ended, sealed: where the import is undone, they hold again. The id is of the time when they
-- ended, and they go with the journal's entries of that time.
CREATE TABLE facts_ended (
    tenant_id int NOT NULL,
    fact_id uuid NOT NULL,
    import_id uuid NOT NULL,
    person_id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, fact_id)
);
CREATE INDEX facts_ended_by_import ON facts_ended (tenant_id, import_id);
CREATE INDEX facts_ended_by_person ON facts_ended (tenant_id, person_id);
SELECT tenant_table('facts_ended', 'roster', 'select, insert, delete');
