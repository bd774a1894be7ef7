COMMENT ON TABLE registration_days IS 'tenant; crate accounts; grants select, insert, delete';
DROP TABLE letters;
DROP TABLE protections;
