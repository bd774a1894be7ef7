DROP INDEX persons_by_phone;
