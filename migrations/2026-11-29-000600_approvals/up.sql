-- Wishes that wait for another's agreement, and what became of them.
CREATE TABLE approvals (
    tenant_id int NOT NULL,
    approval_id uuid NOT NULL,
    action text NOT NULL,
    -- Which of several things of one action: whose file it is.
    kind text NOT NULL,
    -- What it is about. Of one thing somebody has one wish waiting at a time.
    subject_id uuid NOT NULL,
    -- Whose values are shown, where they are a person's of the roster: who looks is in the trail.
    person_id uuid,
    -- The colleague who gains by it, and therefore never agrees.
    beneficiary_id uuid,
    -- The difference that is shown, and by what it is done.
    sealed bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'agreed', 'done', 'declined', 'withdrawn', 'lapsed')),
    asked_by uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    -- Waiting, until it lapses; agreed to, until the file can be taken no more.
    ends_at timestamptz NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    -- Why it was declined. Sealed.
    word bytea,
    PRIMARY KEY (tenant_id, approval_id)
);
CREATE UNIQUE INDEX approvals_waiting ON approvals (tenant_id, action, kind, subject_id, asked_by)
    WHERE state IN ('waiting', 'agreed');
CREATE INDEX approvals_by_asker ON approvals (tenant_id, asked_by, approval_id);
CREATE INDEX approvals_by_end ON approvals (tenant_id, ends_at);
CREATE INDEX approvals_by_person ON approvals (tenant_id, person_id) WHERE person_id IS NOT NULL;
SELECT tenant_table('approvals', 'approvals', 'select, insert, update, delete');

-- Who can agree is found by what they may do.
CREATE INDEX staff_roles_by_role ON staff_roles (tenant_id, role, staff_id);
