-- What 続柄名称 means, as the kernel's words and the insurer's [relations] have it. NULL in rows of earlier imports until
-- the next one: what they mean is read from their words meanwhile.
ALTER TABLE persons ADD COLUMN relation text;
ALTER TABLE roster_staging ADD COLUMN relation text;
