DROP TABLE disclosures, held_rows, shared_claims, medicine_rows, cost_rows, statement_deliveries;
-- Attached years went with the whole; those that wait are tables of their own, whichever chores made.
DO $$
DECLARE
    waiting text;
BEGIN
    FOR waiting IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND obj_description(oid, 'pg_class') = 'tenant; crate statements; grants none'
    LOOP
        EXECUTE format('DROP TABLE %I', waiting);
    END LOOP;
END $$;
DROP FUNCTION attach_year(text, int);
DROP FUNCTION tenant_year(text, text, int);
