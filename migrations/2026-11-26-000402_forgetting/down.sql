COMMENT ON TABLE notice_reads IS 'tenant; crate notices; grants select, insert';
DROP INDEX notice_reads_by_time;
DROP INDEX accounts_emptied;
ALTER TABLE accounts DROP COLUMN emptied_at;
DROP INDEX persons_lost;
ALTER TABLE persons DROP COLUMN emptied_at;
