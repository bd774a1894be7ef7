CREATE INDEX IF NOT EXISTS persons_by_phone ON persons (tenant_id, phone_key)
    WHERE emptied_at IS NULL AND phone_key <> '';
