ALTER TABLE terms_drafts DROP COLUMN draft_id;
