DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        UPDATE statement_deliveries SET leased_by = NULL, leased_until = NULL
        WHERE tenant_id = insurer AND leased_by IS NOT NULL AND state <> 'loading';
    END LOOP;
END $$;
ALTER TABLE statement_deliveries DROP CONSTRAINT statement_deliveries_check,
    ADD CONSTRAINT statement_deliveries_check CHECK (
        (state = 'loading') = (leased_by IS NOT NULL) AND (leased_by IS NULL) = (leased_until IS NULL)) NOT VALID;
