DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        UPDATE staff SET suspended_for = 'colleague' WHERE tenant_id = insurer AND suspended_for = 'operator';
    END LOOP;
END $$;
ALTER TABLE staff DROP CONSTRAINT staff_suspended_for_check,
    ADD CONSTRAINT staff_suspended_for_check CHECK (suspended_for IN ('colleague', 'unused')) NOT VALID;
