-- A file of changes touches few people of many.

-- The version of the keys that all persons have; NULL where some may have another. Importing looked at each of them to know.
ALTER TABLE roster_heads ADD COLUMN fold_version smallint;
-- widens: a few changes are taken out of the counts of workplaces and put in.
COMMENT ON TABLE roster_workplaces IS 'tenant; crate roster; grants select, insert, update, delete';
-- What most changes change is in no index: with room on the page the new row stays there, and none of some fifteen hears of it.
ALTER TABLE persons SET (fillfactor = 90);
