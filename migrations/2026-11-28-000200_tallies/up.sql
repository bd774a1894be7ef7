-- Registrations of days that are over; today's are counted where they stand, so that no registration waits for another's
-- row. A day without any has a row too: the last one says how far days are counted.
CREATE TABLE registration_days (
    tenant_id int NOT NULL,
    -- In Japan.
    day date NOT NULL,
    registrations int NOT NULL,
    PRIMARY KEY (tenant_id, day)
);
SELECT tenant_table('registration_days', 'accounts', 'select, insert, delete');

-- Sign-ups whose identity nobody of the roster has, by day, reason and, where the typed number is the roster's, workplace;
-- never by person. Kept by the worker.
CREATE TABLE sign_up_failures (
    tenant_id int NOT NULL,
    day date NOT NULL,
    reason text NOT NULL CHECK (reason IN ('unknown_number', 'other_facts', 'alike', 'registered')),
    -- Both empty where the number is unknown.
    workplace_code text NOT NULL,
    symbol_key text NOT NULL,
    attempts int NOT NULL,
    PRIMARY KEY (tenant_id, day, reason, workplace_code, symbol_key)
);
SELECT tenant_table('sign_up_failures', 'accounts', 'select, insert, update, delete');

-- The insured of each workplace, and how many of them had an account by then: counted by each import and once a day.
CREATE TABLE roster_workplaces (
    tenant_id int NOT NULL,
    workplace_code text NOT NULL,
    symbol_key text NOT NULL,
    -- 記号 as it is written.
    symbol text NOT NULL,
    insured int NOT NULL,
    registered int NOT NULL,
    PRIMARY KEY (tenant_id, workplace_code, symbol_key)
);
CREATE INDEX roster_workplaces_by_size ON roster_workplaces (tenant_id, insured DESC, workplace_code, symbol_key);
CREATE INDEX roster_workplaces_by_symbol ON roster_workplaces (tenant_id, symbol_key);
SELECT tenant_table('roster_workplaces', 'roster', 'select, insert, delete');

-- When they were counted, and their sums. Locked by whoever counts.
CREATE TABLE roster_tallies (
    tenant_id int NOT NULL,
    -- Registrations up to here are in the counts; later ones are added when they are read.
    counted_to timestamptz NOT NULL,
    -- Who is covered on this day in Japan.
    counted_on date NOT NULL,
    insured int NOT NULL,
    registered int NOT NULL,
    PRIMARY KEY (tenant_id)
);
SELECT tenant_table('roster_tallies', 'roster', 'select, insert, update');

CREATE INDEX IF NOT EXISTS accounts_by_registration ON accounts (tenant_id, registered_at);
CREATE INDEX IF NOT EXISTS mails_not_delivered ON mails (tenant_id, finished_at)
    WHERE state IN ('expired', 'undeliverable');
-- The insured of one workplace, in the order of their numbers.
CREATE INDEX IF NOT EXISTS persons_of_workplace ON persons (tenant_id, workplace_code, symbol_key, number_key, person_id)
    WHERE insured AND emptied_at IS NULL;
