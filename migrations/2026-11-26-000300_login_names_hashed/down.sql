-- As empty as up.sql leaves it: who goes back has no names until they are written from the accounts.
DROP TABLE login_names;
CREATE TABLE login_names (
    user_id_folded text PRIMARY KEY,
    tenant_id int NOT NULL,
    account_id uuid,
    ticket_id uuid,
    reserved_until timestamptz,
    CHECK ((account_id IS NULL) = (reserved_until IS NOT NULL))
);
CREATE INDEX login_names_by_ticket ON login_names (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX login_names_by_end ON login_names (tenant_id, reserved_until) WHERE reserved_until IS NOT NULL;
SELECT directory_table('login_names', 'accounts', 'select, insert, update, delete');
