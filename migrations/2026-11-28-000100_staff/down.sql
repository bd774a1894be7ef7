DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        DELETE FROM sessions WHERE tenant_id = insurer AND subject_kind = 'support';
    END LOOP;
END $$;
ALTER TABLE sessions DROP CONSTRAINT sessions_subject_kind_check,
    ADD CONSTRAINT sessions_subject_kind_check CHECK (subject_kind IN ('member', 'staff'));
ALTER TABLE sessions DROP COLUMN grant_id, DROP COLUMN proved_at;
DROP TABLE support_grants;
DROP TABLE staff_codes;
DROP TABLE staff_factors;
DROP TABLE staff_roles;
DROP TABLE staff;
