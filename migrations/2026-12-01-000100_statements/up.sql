-- 医療費通知 and ジェネリック差額明細: what the insurer's core delivers. Rows of treatment lie by calendar year of treatment:
-- the tax year is one table, and what is too old goes with its year.

-- A year of a table that lies by years: a tenant table of its own, which nobody is granted, since it is reached through the
-- whole. It is made apart and attached later, which holds up nobody who reads.
CREATE FUNCTION tenant_year(parent text, crate text, year int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := format('%s_%s', parent, year);
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
    PERFORM tenant_table(name, crate, 'none');
END $$;

CREATE FUNCTION attach_year(parent text, year int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        parent, format('%s_%s', parent, year), make_date(year, 1, 1), make_date(year + 1, 1, 1));
END $$;

-- 提供分: one file of one kind for one 処理年月, in one version. A version is never changed once it is loaded.
CREATE TABLE statement_deliveries (
    tenant_id int NOT NULL,
    -- Counts within the insurer, over both kinds.
    delivery int NOT NULL,
    -- By which the trail and events name it.
    delivery_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('costs', 'medicines')),
    -- 処理年月, its first day.
    label date NOT NULL,
    -- Counts within kind and label.
    version int NOT NULL,
    state text NOT NULL CHECK (state IN
        ('checked', 'loading', 'ready', 'published', 'replaced', 'withdrawn', 'refused')),
    file_name text NOT NULL,
    file_hash bytea NOT NULL,
    encoding text NOT NULL,
    -- Rows of the file that count: held ones among them, those of months too old not.
    rows int NOT NULL,
    held int NOT NULL,
    too_old int NOT NULL,
    persons int NOT NULL,
    -- Months of treatment of which rows are kept, ascending.
    months date[] NOT NULL,
    -- By month and category: rows and yen; what was corrected and withdrawn.
    totals jsonb NOT NULL,
    -- Who loads it, and until when nobody else may think that they died; by the database's clock.
    leased_by uuid,
    leased_until timestamptz,
    imported_at timestamptz NOT NULL,
    -- When it is to be published, where that was asked for.
    publish_at timestamptz,
    published_at timestamptz,
    -- When it was replaced, withdrawn or refused.
    ended_at timestamptz,
    -- When its rows began to be deleted: from then on it is never published again. They are gone once months are.
    purged_at timestamptz,
    -- When the roster was last asked about its held rows.
    held_tried_at timestamptz,
    PRIMARY KEY (tenant_id, delivery),
    UNIQUE (tenant_id, delivery_id),
    UNIQUE (tenant_id, kind, label, version),
    CHECK ((state = 'loading') = (leased_by IS NOT NULL) AND (leased_by IS NULL) = (leased_until IS NULL))
);
CREATE UNIQUE INDEX statement_deliveries_published ON statement_deliveries (tenant_id, kind, label) WHERE state = 'published';
CREATE UNIQUE INDEX statement_deliveries_at_work ON statement_deliveries (tenant_id, kind) WHERE state = 'loading';
SELECT tenant_table('statement_deliveries', 'statements', 'select, insert, update');

-- 医療費. No foreign key to the delivery or to people: nobody of the roster is ever deleted, and the check would double the
-- time of a load. '' and 0 mean not given.
CREATE TABLE cost_rows (
    tenant_id int NOT NULL,
    month date NOT NULL,
    delivery int NOT NULL,
    line int NOT NULL,
    -- Whom the insurer notified of it in that month; never looked up anew.
    principal_id uuid NOT NULL,
    person_id uuid NOT NULL,
    -- レセプト番号.
    claim_key text COLLATE "C" NOT NULL,
    category text NOT NULL CHECK (category IN ('medical_in', 'medical_out', 'dental_in', 'dental_out', 'pharmacy',
        'home_nursing', 'judo', 'acupuncture', 'appliance', 'other')),
    days smallint NOT NULL,
    institution text NOT NULL,
    total_yen int NOT NULL,
    insurer_yen int NOT NULL,
    public_yen int NOT NULL,
    copay_yen int NOT NULL,
    meal_yen int NOT NULL,
    benefit_yen int NOT NULL,
    -- 取下げ・返戻・資格過誤: takes the claim's earlier rows away and is none to be shown.
    withdrawn boolean NOT NULL,
    -- The published delivery of the latest label that has the same claim; none where this row is the latest.
    superseded_by int,
    -- Not the month first: a look-up of a claim would have two indexes that begin alike, and as long as nobody has analyzed a new
    -- year's table, this one would be taken for as good as the claims'.
    PRIMARY KEY (tenant_id, delivery, month, line)
) PARTITION BY RANGE (month);
CREATE INDEX cost_rows_of_principal ON cost_rows (tenant_id, principal_id, month);
CREATE INDEX cost_rows_of_person ON cost_rows (tenant_id, person_id, month) WHERE person_id <> principal_id;
CREATE INDEX cost_rows_of_claim ON cost_rows (tenant_id, month, claim_key) WHERE claim_key <> '';
SELECT tenant_table('cost_rows', 'statements', 'select, insert, update, delete');

-- お薬: a line of a claim.
CREATE TABLE medicine_rows (
    tenant_id int NOT NULL,
    month date NOT NULL,
    delivery int NOT NULL,
    line int NOT NULL,
    principal_id uuid NOT NULL,
    person_id uuid NOT NULL,
    claim_key text COLLATE "C" NOT NULL,
    -- レセ電 code.
    drug text NOT NULL,
    form text NOT NULL CHECK (form IN ('oral', 'as_needed', 'topical', 'injection', 'other')),
    -- 1日量 in thousandths of the price's unit, and how many days or times.
    daily_milli bigint NOT NULL,
    count smallint NOT NULL,
    -- 負担割合 in tenths.
    rate smallint NOT NULL CHECK (rate BETWEEN 0 AND 3),
    pharmacy text NOT NULL,
    -- 後発区分, '' while the code is in no master; reckoned like the yen behind it.
    class text NOT NULL CHECK (class IN ('', '1', '2', '☆', '3', '★')),
    saving_yen int NOT NULL,
    charge_yen int NOT NULL,
    withdrawn boolean NOT NULL,
    superseded_by int,
    -- In the order of cost_rows'.
    PRIMARY KEY (tenant_id, delivery, month, line)
) PARTITION BY RANGE (month);
CREATE INDEX medicine_rows_of_principal ON medicine_rows (tenant_id, principal_id, month);
CREATE INDEX medicine_rows_of_person ON medicine_rows (tenant_id, person_id, month) WHERE person_id <> principal_id;
CREATE INDEX medicine_rows_of_claim ON medicine_rows (tenant_id, month, claim_key) WHERE claim_key <> '';
SELECT tenant_table('medicine_rows', 'statements', 'select, insert, update, delete');

SELECT tenant_year(parent, 'statements', year)
FROM unnest(ARRAY['cost_rows', 'medicine_rows']) AS parent, generate_series(2023, 2028) AS year;
-- Those to come wait apart: a plan locks every year that is attached.
SELECT attach_year(parent, year)
FROM unnest(ARRAY['cost_rows', 'medicine_rows']) AS parent, generate_series(2023, 2026) AS year;

-- Claims that stand in deliveries of several labels: what publishing has to look at, so that it costs by the corrections and
-- not by the rows.
CREATE TABLE shared_claims (
    tenant_id int NOT NULL,
    delivery int NOT NULL,
    month date NOT NULL,
    claim_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, delivery, month, claim_key)
);
CREATE INDEX shared_claims_by_claim ON shared_claims (tenant_id, month, claim_key);
SELECT tenant_table('shared_claims', 'statements', 'select, insert, delete');

-- Rows of people whom the roster does not know, or not well enough. Sealed, and '' once they are settled.
CREATE TABLE held_rows (
    tenant_id int NOT NULL,
    held_id uuid NOT NULL,
    delivery int NOT NULL,
    line int NOT NULL,
    reason text NOT NULL CHECK (reason IN ('unknown', 'several')),
    sealed bytea NOT NULL,
    settled_person_id uuid,
    settled_at timestamptz,
    PRIMARY KEY (tenant_id, held_id),
    UNIQUE (tenant_id, delivery, line),
    FOREIGN KEY (tenant_id, delivery) REFERENCES statement_deliveries,
    CHECK ((settled_person_id IS NULL) = (settled_at IS NULL))
);
SELECT tenant_table('held_rows', 'statements', 'select, insert, update, delete');

-- 表示範囲, only where it is another than the insurer's usual.
CREATE TABLE disclosures (
    tenant_id int NOT NULL,
    person_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('costs', 'medicines')),
    audience text NOT NULL CHECK (audience IN ('household', 'self_only', 'suppressed')),
    source text NOT NULL CHECK (source IN ('person', 'staff', 'api')),
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, person_id, kind)
);
SELECT tenant_table('disclosures', 'statements', 'select, insert, update, delete');
