-- The directory of log-in names holds a keyed hash of each: it has no row-level security, and must tell nobody who is
-- a member where. SQL has no key to make the hashes with, so it is emptied here; `madoguchi keys rehash-names` fills it
-- from the accounts and tickets, which have the IDs themselves.
DROP TABLE login_names;
CREATE TABLE login_names (
    name_hash bytea PRIMARY KEY,
    tenant_id int NOT NULL,
    account_id uuid,
    ticket_id uuid,
    reserved_until timestamptz,
    CHECK ((account_id IS NULL) = (reserved_until IS NOT NULL))
);
SELECT directory_table('login_names', 'accounts', 'select, insert, update, delete');
