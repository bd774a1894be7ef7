-- What a roster holds beside names in kana and numbers of digits: kept by each import, and told to whoever types what
-- nobody in it has. Until an insurer's next import anything may stand in its roster.
ALTER TABLE roster_heads ADD COLUMN latin_names boolean NOT NULL DEFAULT true;
ALTER TABLE roster_heads ADD COLUMN number_signs boolean NOT NULL DEFAULT true;
