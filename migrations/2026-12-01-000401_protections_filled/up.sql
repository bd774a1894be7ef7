-- Of those in force by now.
DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        UPDATE protections SET kana_fold1 = persons.kana_fold1
        FROM persons
        WHERE protections.tenant_id = insurer AND persons.tenant_id = insurer AND protections.lifted_at IS NULL
          AND persons.person_id = protections.person_id;
    END LOOP;
END $$;
