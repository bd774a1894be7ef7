DROP INDEX persons_by_change;
DROP INDEX persons_of_workplace_by_id;
DROP INDEX persons_registered_by_id;
