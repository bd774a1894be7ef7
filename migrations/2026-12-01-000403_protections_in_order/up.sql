CREATE INDEX protections_in_order ON protections (tenant_id, kana_fold1, person_id) WHERE lifted_at IS NULL;
