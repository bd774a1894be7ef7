-- Whether who brought a file, or had it imported, is a client: then the id beside it is the client's, and no member of staff's.
-- `goes_on`: it is imported by itself once it is compared, where nothing stands against it.
ALTER TABLE roster_runs ADD COLUMN by_client boolean NOT NULL DEFAULT false, ADD COLUMN goes_on boolean NOT NULL DEFAULT false,
    ADD COLUMN format text NOT NULL DEFAULT 'csv';
ALTER TABLE statement_runs ADD COLUMN by_client boolean NOT NULL DEFAULT false,
    ADD COLUMN goes_on boolean NOT NULL DEFAULT false;
