-- To whom of an insurer's members a notice is, judged on what the roster says of the reader when they read; all of it empty
-- means everybody. `readers` is how many registered people it was for when it was published; none where nobody counted.
-- `withdrawn_at` says that it ended because staff took it back.
ALTER TABLE notices
    ADD COLUMN workplace_code text,
    ADD COLUMN age_from smallint,
    ADD COLUMN age_to smallint,
    ADD COLUMN with_dependants boolean NOT NULL DEFAULT false,
    ADD COLUMN readers bigint,
    ADD COLUMN withdrawn_at timestamptz,
    ADD COLUMN published_by uuid;
-- Staff list the notices to single people by time; who has read one is counted by the notice.
CREATE INDEX notices_to_people ON notices (tenant_id, published_at, notice_id) WHERE audience = 'person';
CREATE INDEX notice_reads_by_notice ON notice_reads (tenant_id, notice_id, account_id);

-- How many are registered and of an age, for the count before a notice is published. It is of those alone who are
-- registered: the import into an empty insurer does not touch it.
CREATE INDEX IF NOT EXISTS persons_registered_by_age ON persons (tenant_id, birth_date)
    WHERE registered AND emptied_at IS NULL;

-- A notice that staff are writing. Published, it is a notice with the same id, and no draft any more. The version is what two
-- who edit at the same time are told apart by.
CREATE TABLE notice_drafts (
    tenant_id int NOT NULL,
    draft_id uuid NOT NULL,
    version bigint NOT NULL,
    title text NOT NULL CHECK (title <> ''),
    body text NOT NULL,
    person_id uuid,
    workplace_code text,
    age_from smallint,
    age_to smallint,
    with_dependants boolean NOT NULL,
    first_day date,
    last_day date,
    mail boolean NOT NULL,
    -- An editor has asked whoever may for its publication.
    asked_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid NOT NULL,
    PRIMARY KEY (tenant_id, draft_id)
);
CREATE INDEX notice_drafts_by_change ON notice_drafts (tenant_id, updated_at, draft_id);
CREATE INDEX notice_drafts_to_person ON notice_drafts (tenant_id, person_id) WHERE person_id IS NOT NULL;
SELECT tenant_table('notice_drafts', 'notices', 'select, insert, update, delete');
