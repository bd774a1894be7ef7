DROP TABLE member_notes;
DROP TABLE desk_email_changes;
