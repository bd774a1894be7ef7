ALTER TABLE roster_heads DROP COLUMN number_signs;
ALTER TABLE roster_heads DROP COLUMN latin_names;
