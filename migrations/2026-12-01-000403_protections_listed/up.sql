-- The lists of those in force, by name and the latest first: lifted ones stay in the table. Each index holds all of them, but says
-- so by a condition of its own, which those lists alone ask for: else PostgreSQL takes it to see whether one person is protected,
-- and reads all that are.
CREATE INDEX protections_in_order ON protections (tenant_id, kana_fold1, person_id) WHERE lifted_at IS NULL AND kana_fold1 >= '';
CREATE INDEX protections_listed ON protections (tenant_id, protection_id)
    WHERE lifted_at IS NULL AND protection_id >= '00000000-0000-0000-0000-000000000000';
