-- A list of staff who are bounded to workplaces by their 記号 is in the order of names, as that by 事業所コード is.
CREATE INDEX IF NOT EXISTS persons_by_symbol ON persons (tenant_id, symbol_key, kana_fold1, person_id)
    WHERE emptied_at IS NULL;
