ALTER TABLE notices DROP COLUMN mail, DROP COLUMN mailed_to;
DROP TABLE mail_wishes;
ALTER TABLE accounts DROP COLUMN closed_person_id;
