-- Whether who wrote a draft, or published a notice, is a client: then the id beside it is the client's, and no member of staff's.
ALTER TABLE notice_drafts ADD COLUMN by_client boolean NOT NULL DEFAULT false;
ALTER TABLE notices ADD COLUMN by_client boolean NOT NULL DEFAULT false;
