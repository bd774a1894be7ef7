DROP INDEX accounts_of_closed;
