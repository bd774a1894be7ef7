-- The state of each thing that waits: for one person, or for staff who hold a permission. One row each, whatever becomes of it.
CREATE TABLE tasks (
    tenant_id int NOT NULL,
    task_id uuid NOT NULL,
    person_id uuid,
    permission text,
    module text NOT NULL,
    subject uuid NOT NULL,
    state text NOT NULL,
    waiting boolean NOT NULL,
    due_on date,
    link text,
    parameters jsonb NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, task_id),
    UNIQUE NULLS NOT DISTINCT (tenant_id, person_id, permission, module, subject),
    CHECK ((person_id IS NULL) <> (permission IS NULL))
);
CREATE INDEX tasks_of_permission ON tasks (tenant_id, permission) WHERE permission IS NOT NULL;
CREATE INDEX tasks_of_subject ON tasks (tenant_id, subject);
SELECT tenant_table('tasks', 'tasks', 'select, insert, update, delete');
