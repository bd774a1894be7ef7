ALTER TABLE statement_deliveries DROP COLUMN struck_at;
ALTER TABLE cost_rows DROP COLUMN struck;
ALTER TABLE medicine_rows DROP COLUMN struck;
-- Attached years lost it with the whole.
DO $$
DECLARE
    waiting text;
BEGIN
    FOR waiting IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND NOT relispartition AND relname ~ '^(cost|medicine)_rows_[0-9]{4}$'
    LOOP
        EXECUTE format('ALTER TABLE %I DROP COLUMN struck', waiting);
    END LOOP;
END $$;
DROP FUNCTION add_column_by_years(text, text);
