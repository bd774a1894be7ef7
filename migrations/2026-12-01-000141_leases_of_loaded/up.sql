-- widens: a delivery that is loaded is leased, too, while its rows are reckoned anew.
ALTER TABLE statement_deliveries DROP CONSTRAINT statement_deliveries_check,
    ADD CONSTRAINT statement_deliveries_check CHECK (
        (leased_by IS NULL) = (leased_until IS NULL) AND (state <> 'loading' OR leased_by IS NOT NULL)) NOT VALID;
