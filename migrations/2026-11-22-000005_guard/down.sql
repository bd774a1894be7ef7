DROP TABLE sessions;
DROP TABLE throttles;
DROP TABLE links;
DROP TABLE codes;
