-- When it was last set or lifted, for whoever follows the roster: in the order of commit. What older nodes do has none.
ALTER TABLE protections ADD COLUMN position bigint;
