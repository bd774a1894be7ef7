-- By which staff find people. NULL in rows of earlier imports until the next one, as all keys of an earlier version are.
ALTER TABLE persons ADD COLUMN phone_key text COLLATE "C";
ALTER TABLE roster_staging ADD COLUMN phone_key text COLLATE "C";
