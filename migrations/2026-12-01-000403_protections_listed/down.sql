DROP INDEX protections_listed;
DROP INDEX protections_in_order;
