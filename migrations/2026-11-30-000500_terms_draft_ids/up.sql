-- A draft that is thrown away or published leaves its place to another, whose versions begin at 1 again. So a form names the
-- draft, too, that it was shown for. Those of before, and what an older node still writes, share one name.
ALTER TABLE terms_drafts ADD COLUMN draft_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
