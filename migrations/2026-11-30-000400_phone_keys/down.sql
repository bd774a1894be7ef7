ALTER TABLE roster_staging DROP COLUMN phone_key;
ALTER TABLE persons DROP COLUMN phone_key;
