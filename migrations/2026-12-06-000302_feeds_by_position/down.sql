DROP INDEX protections_by_position, mails_not_sent;
