-- Of a list of insured people alone, in the order of names. A plan for any insurer expects few people of each, and took
-- persons_of_workplace: it read every insured person of a large one to put them in order.
CREATE INDEX IF NOT EXISTS persons_insured ON persons (tenant_id, kana_fold1, person_id)
    WHERE emptied_at IS NULL AND insured;
