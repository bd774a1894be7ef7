-- Reads what stands, while others read and write.
ALTER TABLE audit_seals VALIDATE CONSTRAINT audit_seals_numbers_check;
ALTER TABLE audit_segments VALIDATE CONSTRAINT audit_segments_segment_check;
ALTER TABLE support_grants VALIDATE CONSTRAINT support_grants_ended_for_check;
ALTER TABLE notice_drafts VALIDATE CONSTRAINT notice_drafts_version_check;
ALTER TABLE roster_runs VALIDATE CONSTRAINT roster_runs_progress_check;
ALTER TABLE uploads VALIDATE CONSTRAINT uploads_pieces_check;
