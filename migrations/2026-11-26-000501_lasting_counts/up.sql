-- Failures that only success ends (security.md 68): throttles are swept after two quiet days, these are not.
ALTER TABLE accounts ADD COLUMN guesses int NOT NULL DEFAULT 0, ADD COLUMN device_guesses int NOT NULL DEFAULT 0;

-- Wrong codes of a person, over all their sign-ups and changes of address.
CREATE TABLE wrong_codes (
    tenant_id int NOT NULL,
    person_id uuid NOT NULL,
    failures int NOT NULL,
    PRIMARY KEY (tenant_id, person_id)
);
SELECT tenant_table('wrong_codes', 'accounts', 'select, insert, update, delete');
