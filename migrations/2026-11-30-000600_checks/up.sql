-- Numbers and words that have one meaning each, held to it as their neighbours are. All releases write what these allow, so an
-- older binary is refused nothing. What stands is read by the next migration, which locks nobody out.

-- holds: segments are counted from 1, and nothing is settled before it is closed.
ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_numbers_check
    CHECK (segment > 0 AND settled BETWEEN 0 AND segment AND lines >= 0 AND late >= 0) NOT VALID;
-- holds: the list is a seal's.
ALTER TABLE audit_segments ADD CONSTRAINT audit_segments_segment_check CHECK (segment > 0) NOT VALID;
-- holds: the doors that audit::Channel knows. What stands was written by the same code; so large a table is not read for it.
ALTER TABLE audit_events ADD CONSTRAINT audit_events_channel_check
    CHECK (channel IN ('portal', 'console', 'api', 'command', 'worker')) NOT VALID;
-- holds: why support ended, and never before it was over.
ALTER TABLE support_grants ADD CONSTRAINT support_grants_ended_for_check
    CHECK (ended_for IN ('declined', 'administrator', 'operator', 'account', 'over')) NOT VALID;
-- holds: the first version of a draft is 1.
ALTER TABLE notice_drafts ADD CONSTRAINT notice_drafts_version_check CHECK (version >= 1) NOT VALID;
-- holds: progress is cut at a hundred.
ALTER TABLE roster_runs ADD CONSTRAINT roster_runs_progress_check
    CHECK (rows >= 0 AND percent BETWEEN 0 AND 100) NOT VALID;
-- holds: pieces are counted from 0 on.
ALTER TABLE uploads ADD CONSTRAINT uploads_pieces_check CHECK (pieces >= 0) NOT VALID;
