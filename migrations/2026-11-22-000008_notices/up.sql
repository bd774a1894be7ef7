-- Notices to everybody at the door (tenant 0), to an insurer's members, to one person. A folder's notice is known by its
-- slug; nothing is deleted, an ended notice is no longer shown.
CREATE TABLE notices (
    tenant_id int NOT NULL,
    notice_id uuid NOT NULL,
    audience text NOT NULL CHECK (audience IN ('site', 'insurer', 'person')),
    person_id uuid,
    slug text,
    title text NOT NULL CHECK (title <> ''),
    body text NOT NULL,
    published_at timestamptz NOT NULL,
    ended_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, notice_id),
    UNIQUE (tenant_id, slug),
    -- The platform, and only it, speaks to the whole site.
    CHECK ((tenant_id = 0) = (audience = 'site')),
    CHECK ((audience = 'person') = (person_id IS NOT NULL)),
    CHECK (audience <> 'person' OR slug IS NULL)
);
-- One index per list, in the order in which it is read.
CREATE INDEX notices_to_all ON notices (tenant_id, published_at, notice_id) WHERE audience <> 'person';
CREATE INDEX notices_to_person ON notices (tenant_id, person_id, published_at, notice_id) WHERE audience = 'person';
SELECT tenant_table('notices', 'notices', 'select, insert, update');

-- Who has opened what. By account: the mark is the reader's.
CREATE TABLE notice_reads (
    tenant_id int NOT NULL,
    account_id uuid NOT NULL,
    notice_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id, notice_id),
    FOREIGN KEY (tenant_id, notice_id) REFERENCES notices (tenant_id, notice_id)
);
SELECT tenant_table('notice_reads', 'notices', 'select, insert');
