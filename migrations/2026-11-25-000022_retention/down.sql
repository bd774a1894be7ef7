DROP INDEX mails_by_end;
DROP INDEX sessions_by_end;
DROP INDEX links_by_end;
DROP INDEX codes_by_end;
DROP INDEX login_names_by_end;
DROP INDEX email_changes_by_end;
DROP INDEX sign_up_tickets_by_end;
