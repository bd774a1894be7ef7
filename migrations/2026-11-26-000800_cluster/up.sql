-- Past one machine. A directory table's comment says where in a cluster it lies, and a tenant table made where the cluster's
-- tables are distributed is distributed with them: without the cluster nothing here differs from before.

CREATE OR REPLACE FUNCTION tenant_table(name text, crate text, grants text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    neighbour text;
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    -- No tenant set means null, and null equals nothing: no rows.
    EXECUTE format(
        'CREATE POLICY tenant ON %I USING (tenant_id = nullif(current_setting(''madoguchi.tenant_id'', true), '''')::int)
         WITH CHECK (tenant_id = nullif(current_setting(''madoguchi.tenant_id'', true), '''')::int)', name);
    EXECUTE format('COMMENT ON TABLE %I IS %L', name, format('tenant; crate %s; grants %s', crate, grants));
    -- Only the cluster has these names, so none of them stands outside a text.
    IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
        EXECUTE 'SELECT min(logicalrelid::text) FROM pg_catalog.pg_dist_partition
                 WHERE partmethod = ''h'' AND obj_description(logicalrelid, ''pg_class'') LIKE ''tenant;%''' INTO neighbour;
        IF neighbour IS NOT NULL THEN
            IF EXISTS (SELECT FROM pg_class WHERE oid = format('%I', name)::regclass AND relpersistence = 'u') THEN
                EXECUTE format('ALTER TABLE %I SET LOGGED', name);
            END IF;
            EXECUTE format('SELECT create_distributed_table(%L, ''tenant_id'', colocate_with => %L)',
                format('%I', name), neighbour);
        END IF;
    END IF;
    -- Last: as a table's owner one copies no rows that this hides.
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
END $$;

-- A directory table lies `everywhere`, `by key` (spread by its primary key of one column) or `on the coordinator`.
DROP FUNCTION directory_table(text, text, text);
CREATE FUNCTION directory_table(name text, crate text, grants text, place text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF place NOT IN ('everywhere', 'by key', 'on the coordinator') THEN
        RAISE EXCEPTION 'no place of a directory table: %', place;
    END IF;
    EXECUTE format('COMMENT ON TABLE %I IS %L', name,
        format('directory; crate %s; grants %s; cluster %s', crate, grants, place));
END $$;

-- A reference table: public, the same for all insurers, written by commands alone; in a cluster on every node.
CREATE FUNCTION reference_table(name text, crate text, grants text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COMMENT ON TABLE %I IS %L', name, format('reference; crate %s; grants %s', crate, grants));
END $$;

DO $$
DECLARE
    placed record;
BEGIN
    FOR placed IN
        SELECT * FROM (VALUES ('insurers', 'everywhere'), ('login_names', 'by key'), ('due', 'on the coordinator'))
            AS places (name, place)
    LOOP
        EXECUTE format('COMMENT ON TABLE %I IS %L', placed.name,
            format('%s; cluster %s', obj_description(placed.name::regclass, 'pg_class'), placed.place));
    END LOOP;
END $$;
