-- Permissions whose holders' eyes a wish takes away: whoever agrees by all of them may agree to it as well.
ALTER TABLE approvals ADD COLUMN also text[] NOT NULL DEFAULT '{}';
