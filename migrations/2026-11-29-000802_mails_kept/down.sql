DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        UPDATE mails SET sealed = NULL WHERE tenant_id = insurer AND state = 'undeliverable' AND sealed IS NOT NULL;
    END LOOP;
END $$;
ALTER TABLE mails DROP CONSTRAINT mails_check,
    ADD CONSTRAINT mails_check CHECK ((state = 'queued') = (sealed IS NOT NULL));
