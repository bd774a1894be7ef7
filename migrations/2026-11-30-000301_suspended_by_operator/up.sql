-- widens: the operator at the command line suspends, too. Whom they suspend no longer counts among those who can agree; whom a
-- colleague suspends counts on.
ALTER TABLE staff DROP CONSTRAINT staff_suspended_for_check,
    ADD CONSTRAINT staff_suspended_for_check CHECK (suspended_for IN ('colleague', 'operator', 'unused')) NOT VALID;
