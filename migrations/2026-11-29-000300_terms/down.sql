DROP INDEX consents_by_revision;
DROP TABLE terms_drafts;
