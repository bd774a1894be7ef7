-- Adds a column to a table that lies by years: to the whole, and to the years that wait apart, each a table of its own.
CREATE FUNCTION add_column_by_years(parent text, definition text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    waiting text;
BEGIN
    EXECUTE format('ALTER TABLE %I ADD COLUMN %s', parent, definition);
    FOR waiting IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND NOT relispartition AND relname ~ format('^%s_[0-9]{4}$', parent)
    LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN %s', waiting, definition);
    END LOOP;
END $$;

-- True of a row whose claim is struck: a function of struck_claims, kept with the row because every look asks for it.
SELECT add_column_by_years('cost_rows', 'struck boolean NOT NULL DEFAULT false');
SELECT add_column_by_years('medicine_rows', 'struck boolean NOT NULL DEFAULT false');

-- When a claim of it was last struck, or put back.
ALTER TABLE statement_deliveries ADD COLUMN struck_at timestamptz;
