-- Programs list people by what never changes, their ids: of an account or none, and of a workplace; and by when they were changed.
CREATE INDEX IF NOT EXISTS persons_registered_by_id ON persons (tenant_id, registered, person_id) WHERE emptied_at IS NULL;
CREATE INDEX IF NOT EXISTS persons_of_workplace_by_id ON persons (tenant_id, workplace_code, registered, person_id)
    WHERE emptied_at IS NULL AND workplace_code <> '';
CREATE INDEX IF NOT EXISTS persons_by_change ON persons (tenant_id, updated_at, person_id) WHERE emptied_at IS NULL;
