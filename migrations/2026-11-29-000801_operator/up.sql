-- What the platform's operators see and set over all insurers.

-- When the service will be away, as members and staff are told before.
CREATE TABLE maintenances (
    maintenance_id uuid NOT NULL PRIMARY KEY,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    text text NOT NULL,
    CHECK (starts_at < ends_at)
);
SELECT directory_table('maintenances', 'tenancy', 'select, insert, delete', 'everywhere');

-- The processes that run, as each says of itself. Where one ends without a word its row grows old.
CREATE TABLE nodes (
    node_id uuid NOT NULL PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('serve', 'serve_alone', 'work')),
    version text NOT NULL,
    -- The newest migration that it knows.
    migration text NOT NULL,
    key_ids text[] NOT NULL,
    queues text[] NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
SELECT directory_table('nodes', 'jobs', 'select, insert, update, delete', 'on the coordinator');

-- What died stands in `due` under `dead.` and the name of its queue, which no worker takes from.
CREATE INDEX due_dead ON due (due_at, item) WHERE queue LIKE 'dead.%';
DO $$
DECLARE insurer int;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer);
        INSERT INTO due (tenant_id, queue, item, due_at, since, rank, turn)
        SELECT tenant_id, 'dead.' || queue, job_id, dead_at, dead_at, 1, dead_at FROM jobs
        WHERE tenant_id = insurer AND dead_at IS NOT NULL;
    END LOOP;
END $$;

-- When it was put into the queue once more.
ALTER TABLE mails ADD COLUMN again_at timestamptz;
