ALTER TABLE uploads DROP CONSTRAINT uploads_pieces_check;
ALTER TABLE roster_runs DROP CONSTRAINT roster_runs_progress_check;
ALTER TABLE notice_drafts DROP CONSTRAINT notice_drafts_version_check;
ALTER TABLE support_grants DROP CONSTRAINT support_grants_ended_for_check;
ALTER TABLE audit_events DROP CONSTRAINT audit_events_channel_check;
ALTER TABLE audit_segments DROP CONSTRAINT audit_segments_segment_check;
ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_numbers_check;
