-- Programs list notices by when they were begun: by id, drafts among them.
CREATE INDEX IF NOT EXISTS notices_to_members_by_id ON notices (tenant_id, notice_id) WHERE audience <> 'person';
