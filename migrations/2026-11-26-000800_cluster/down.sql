DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['insurers', 'login_names', 'due'] LOOP
        EXECUTE format('COMMENT ON TABLE %I IS %L', name,
            regexp_replace(obj_description(name::regclass, 'pg_class'), '; cluster .*$', ''));
    END LOOP;
END $$;

DROP FUNCTION reference_table(text, text, text);
DROP FUNCTION directory_table(text, text, text, text);
CREATE FUNCTION directory_table(name text, crate text, grants text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COMMENT ON TABLE %I IS %L', name, format('directory; crate %s; grants %s', crate, grants));
END $$;

CREATE OR REPLACE FUNCTION tenant_table(name text, crate text, grants text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    -- No tenant set means null, and null equals nothing: no rows.
    EXECUTE format(
        'CREATE POLICY tenant ON %I USING (tenant_id = nullif(current_setting(''madoguchi.tenant_id'', true), '''')::int)
         WITH CHECK (tenant_id = nullif(current_setting(''madoguchi.tenant_id'', true), '''')::int)', name);
    EXECUTE format('COMMENT ON TABLE %I IS %L', name, format('tenant; crate %s; grants %s', crate, grants));
END $$;
