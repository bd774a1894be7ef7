DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        DELETE FROM mails WHERE tenant_id = insurer AND state = 'kept';
    END LOOP;
END $$;
ALTER TABLE mails DROP CONSTRAINT mails_check,
    ADD CONSTRAINT mails_check CHECK (
        CASE state WHEN 'queued' THEN sealed IS NOT NULL WHEN 'undeliverable' THEN true ELSE sealed IS NULL END) NOT VALID;
ALTER TABLE mails DROP CONSTRAINT mails_state_check,
    ADD CONSTRAINT mails_state_check CHECK (state IN ('queued', 'sent', 'expired', 'undeliverable'));
ALTER TABLE insurers DROP COLUMN sandbox;
