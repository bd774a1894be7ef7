-- Who has an account already.
DO $$
DECLARE insurer record;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer.tenant_id);
        UPDATE persons SET registered = true
        FROM accounts
        WHERE persons.tenant_id = insurer.tenant_id AND accounts.tenant_id = insurer.tenant_id
          AND accounts.person_id = persons.person_id AND accounts.emptied_at IS NULL AND NOT persons.registered;
    END LOOP;
    SET LOCAL madoguchi.tenant_id = '';
END $$;
