DROP TABLE consents;
DROP TABLE email_changes;
DROP TABLE accounts;
DROP TABLE sign_up_tickets;
DROP TABLE login_names;
