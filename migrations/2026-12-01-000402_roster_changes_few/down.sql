ALTER TABLE persons RESET (fillfactor);
COMMENT ON TABLE roster_workplaces IS 'tenant; crate roster; grants select, insert, delete';
ALTER TABLE roster_heads DROP COLUMN fold_version;
