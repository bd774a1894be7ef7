-- What waits to be worked on, over all insurers: ids and times only.
CREATE TABLE due (
    tenant_id int NOT NULL,
    queue text NOT NULL,
    item uuid NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, queue, item)
);
CREATE INDEX due_by_time ON due (queue, due_at);
SELECT directory_table('due', 'jobs', 'select, insert, update, delete');

-- The payload is sealed: jobs may hold what a stranger typed. A finished job's row is deleted, a dead one stays.
CREATE TABLE jobs (
    tenant_id int NOT NULL,
    job_id uuid NOT NULL,
    queue text NOT NULL,
    payload bytea NOT NULL,
    attempts int NOT NULL,
    leased_until timestamptz,
    last_error text,
    dead_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
);
SELECT tenant_table('jobs', 'jobs', 'select, insert, update, delete');

-- What happened, written in the business transaction; webhooks will read it. No personal data: ids and codes.
CREATE TABLE events (
    tenant_id int NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    subject uuid NOT NULL,
    payload jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);
SELECT tenant_table('events', 'jobs', 'select, insert');
