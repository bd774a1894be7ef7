-- Who is protected from their own family or others (DV and the like). One in force per person; lifted ones stay for the
-- record until the person is forgotten.
CREATE TABLE protections (
    tenant_id int NOT NULL,
    protection_id uuid NOT NULL,
    person_id uuid NOT NULL,
    -- Who acts for the person; none where nobody does.
    guardian_id uuid,
    -- Sealed.
    reason bytea NOT NULL,
    set_by uuid NOT NULL,
    set_at timestamptz NOT NULL,
    lifted_by uuid,
    lifted_at timestamptz,
    -- Sealed.
    lifted_reason bytea,
    PRIMARY KEY (tenant_id, protection_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES persons,
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lifted_reason IS NULL))
);
CREATE UNIQUE INDEX protections_in_force ON protections (tenant_id, person_id) WHERE lifted_at IS NULL;
CREATE INDEX protections_of_person ON protections (tenant_id, person_id);
CREATE INDEX protections_by_guardian ON protections (tenant_id, guardian_id) WHERE guardian_id IS NOT NULL;
SELECT tenant_table('protections', 'roster', 'select, insert, update, delete');

-- Who was sent the letter that leads to sign-up, and when.
CREATE TABLE letters (
    tenant_id int NOT NULL,
    person_id uuid NOT NULL,
    letter_id uuid NOT NULL,
    -- Printed here, or in a file for a mailing house.
    kind text NOT NULL CHECK (kind IN ('print', 'file')),
    at timestamptz NOT NULL,
    made_by uuid NOT NULL,
    PRIMARY KEY (tenant_id, person_id, letter_id)
);
CREATE INDEX letters_by_time ON letters (tenant_id, at);
SELECT tenant_table('letters', 'roster', 'select, insert, delete');

-- widens: a protected person's registration is taken out of its day, and put back.
COMMENT ON TABLE registration_days IS 'tenant; crate accounts; grants select, insert, update, delete';
