-- A stand-in for the extension, made by the superuser on a plain PostgreSQL: functions of its names that keep to the rules
-- of it that we know, and note what was asked. Rows stay where they are.
SET allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (16000, 'citus', 10, 11, false, 'stand-in');
CREATE TABLE pg_catalog.pg_dist_partition
    (logicalrelid regclass PRIMARY KEY, partmethod "char", partkey text, colocationid int, repmodel "char");
GRANT SELECT ON pg_catalog.pg_dist_partition TO public;
CREATE SCHEMA asked;
GRANT USAGE ON SCHEMA asked TO public;
CREATE TABLE asked.calls (number int GENERATED ALWAYS AS IDENTITY, call text);
GRANT SELECT ON asked.calls TO public;

CREATE FUNCTION pg_catalog.column_to_column_name(regclass, text) RETURNS text LANGUAGE sql AS 'SELECT $2';

CREATE FUNCTION asked.note(of regclass, call text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT relowner FROM pg_class WHERE oid = of) <> session_user::regrole THEN
        RAISE EXCEPTION 'must be owner of table %', of;
    END IF;
    INSERT INTO asked.calls (call) VALUES (call);
END $$;

CREATE FUNCTION pg_catalog.create_distributed_table
    (of regclass, by text, distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM asked.note(of, format('%s by %s beside %s', of, by, trim(both '"' FROM colocate_with)));
    IF (SELECT relforcerowsecurity FROM pg_class WHERE oid = of) THEN
        RAISE EXCEPTION 'COPY FROM not supported with row-level security';
    END IF;
    -- A table's partitions are copied one by one, and go with it alone.
    IF EXISTS (SELECT FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid
               WHERE i.inhparent = of AND part.relforcerowsecurity) THEN
        RAISE EXCEPTION 'COPY FROM not supported with row-level security';
    END IF;
    IF (SELECT relispartition FROM pg_class WHERE oid = of) THEN
        RAISE EXCEPTION 'cannot distribute relation "%" which is a partition', of;
    END IF;
    IF (SELECT relpersistence = 'u' FROM pg_class WHERE oid = of) THEN
        RAISE EXCEPTION '% is unlogged', of;
    END IF;
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = of AND contype = 'f'
               AND confrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition)) THEN
        RAISE EXCEPTION 'referenced table must be a distributed table or a reference table';
    END IF;
    IF EXISTS (SELECT FROM pg_constraint WHERE confrelid = of AND conrelid <> of AND contype = 'f'
               AND conrelid IN (SELECT logicalrelid FROM pg_dist_partition)) THEN
        RAISE EXCEPTION 'cannot distribute a table that distributed ones lead to';
    END IF;
    INSERT INTO pg_dist_partition VALUES (of, 'h', by, 1, 's');
END $$;

CREATE FUNCTION pg_catalog.create_reference_table(of regclass) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM asked.note(of, format('%s everywhere', of));
    INSERT INTO pg_dist_partition VALUES (of, 'n', NULL, 2, 't');
END $$;

-- Loses the comment, as the real one does.
CREATE FUNCTION pg_catalog.citus_add_local_table_to_metadata(of regclass, cascade boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM asked.note(of, format('%s here', of));
    INSERT INTO pg_dist_partition VALUES (of, 'n', NULL, 0, 's');
    EXECUTE format('COMMENT ON TABLE %s IS NULL', of);
END $$;

-- Refuses while a table that is not distributed leads there, as the real one does. The rows are on no other node, so they
-- are gone.
CREATE FUNCTION pg_catalog.truncate_local_data_after_distributing_table(of regclass)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM asked.note(of, format('%s emptied here', of));
    IF of NOT IN (SELECT logicalrelid FROM pg_dist_partition) THEN
        RAISE EXCEPTION 'supplied parameter is not a distributed relation';
    END IF;
    IF EXISTS (SELECT FROM pg_constraint WHERE confrelid = of AND contype = 'f'
               AND conrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition)) THEN
        RAISE EXCEPTION 'cannot truncate a table referenced in a foreign key constraint by a local table';
    END IF;
    EXECUTE format('TRUNCATE %s CASCADE', of);
END $$;
