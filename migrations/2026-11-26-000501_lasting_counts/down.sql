DROP TABLE wrong_codes;
ALTER TABLE accounts DROP COLUMN guesses, DROP COLUMN device_guesses;
