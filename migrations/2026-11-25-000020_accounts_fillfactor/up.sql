-- Every log-in updates its account, and no column that it changes is in an index: with room on the page the new row stays
-- there, and no index hears of it.
ALTER TABLE accounts SET (fillfactor = 85);
