-- The two kinds of table (design, tenancy). Every table names its kind, its owning crate and what the service may do
-- with it in its comment; `madoguchi migrate` grants exactly that, and a test holds the catalogue against it.

-- A tenant table: rows are seen and written only with their own tenant set, even by the owner.
CREATE FUNCTION tenant_table(name text, crate text, grants text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    -- No tenant set means null, and null equals nothing: no rows.
    EXECUTE format(
        'CREATE POLICY tenant ON %I USING (tenant_id = nullif(current_setting(''madoguchi.tenant_id'', true), '''')::int)
         WITH CHECK (tenant_id = nullif(current_setting(''madoguchi.tenant_id'', true), '''')::int)', name);
    EXECUTE format('COMMENT ON TABLE %I IS %L', name, format('tenant; crate %s; grants %s', crate, grants));
END $$;

-- A directory table: read before a tenant is known, holding nothing personal but hashes.
CREATE FUNCTION directory_table(name text, crate text, grants text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COMMENT ON TABLE %I IS %L', name, format('directory; crate %s; grants %s', crate, grants));
END $$;
