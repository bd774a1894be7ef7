-- What was asked for stays asked for.
DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        UPDATE disclosures SET source = 'staff' WHERE tenant_id = insurer AND source = 'client';
    END LOOP;
END $$;
ALTER TABLE disclosures DROP CONSTRAINT disclosures_source_check,
    ADD CONSTRAINT disclosures_source_check CHECK (source IN ('person', 'staff', 'api'));
