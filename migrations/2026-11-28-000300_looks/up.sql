-- Who was shown in which line of the trail: a list of fifty is one line and fifty rows here. "Who saw this person" reads its
-- key from the end, for a line's id begins with its time.
CREATE TABLE audit_subjects (
    tenant_id int NOT NULL,
    subject_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, audit_id)
);
-- Lines go with their rows, oldest first.
CREATE INDEX audit_subjects_by_line ON audit_subjects (tenant_id, audit_id);
SELECT tenant_table('audit_subjects', 'audit', 'select, insert');

-- Whose look at whom is a line already, for an hour: of fifty pages opened at once one writes it. Swept by every node.
CREATE TABLE audit_looks (
    tenant_id int NOT NULL,
    actor_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, actor_id, subject_id)
);
CREATE INDEX audit_looks_by_time ON audit_looks (tenant_id, at);
SELECT tenant_table('audit_looks', 'audit', 'select, insert, update, delete');

-- widens: the platform's support in an insurer. What stands passed the narrower check, so nothing is read.
ALTER TABLE audit_events DROP CONSTRAINT audit_events_actor_kind_check,
    ADD CONSTRAINT audit_events_actor_kind_check
        CHECK (actor_kind IN ('visitor', 'member', 'staff', 'support', 'operator', 'client', 'system')) NOT VALID;
