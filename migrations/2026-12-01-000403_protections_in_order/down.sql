DROP INDEX protections_in_order;
