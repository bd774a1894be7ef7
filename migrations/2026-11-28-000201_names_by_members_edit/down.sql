-- As it was called.
DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        UPDATE tasks SET permission = 'members.identify'
        WHERE tenant_id = insurer AND permission = 'members.edit' AND module = 'accounts';
    END LOOP;
END $$;
