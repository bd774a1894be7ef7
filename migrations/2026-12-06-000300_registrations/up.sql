-- Positions of feeds that programs follow, besides those of the roster's journal and of events.
CREATE TABLE feed_heads (
    tenant_id int NOT NULL,
    feed text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id, feed)
);
SELECT tenant_table('feed_heads', 'jobs', 'select, insert, update');

-- What became of accounts, for whoever follows it: positions grow in the order of commit. Ids and times alone; no foreign key, for
-- an account's row is never deleted. What older nodes do meanwhile is not told.
CREATE TABLE registrations (
    tenant_id int NOT NULL,
    position bigint NOT NULL,
    account_id uuid NOT NULL,
    -- Whose it is, or was before it was closed.
    person_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('registered', 'email_changed', 'closed')),
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, position)
);
SELECT tenant_table('registrations', 'accounts', 'select, insert');

DO $$
DECLARE insurer record;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer.tenant_id);
        INSERT INTO registrations (tenant_id, position, account_id, person_id, kind, at)
        SELECT insurer.tenant_id, row_number() OVER (ORDER BY known.at, known.account_id, known.kind DESC), known.*
        FROM (SELECT a.account_id, coalesce(a.closed_person_id, a.person_id), 'registered' AS kind, a.registered_at AS at
              FROM accounts a WHERE a.tenant_id = insurer.tenant_id
              UNION ALL
              SELECT a.account_id, coalesce(a.closed_person_id, a.person_id), 'closed', a.emptied_at
              FROM accounts a WHERE a.tenant_id = insurer.tenant_id AND a.emptied_at IS NOT NULL) AS known;
        INSERT INTO feed_heads (tenant_id, feed, position)
        SELECT tenant_id, 'registrations', max(position) FROM registrations
        WHERE tenant_id = insurer.tenant_id GROUP BY tenant_id;
    END LOOP;
    SET LOCAL madoguchi.tenant_id = '';
END $$;
