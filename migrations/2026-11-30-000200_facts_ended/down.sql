DROP TABLE facts_ended;
