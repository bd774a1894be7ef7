DROP TABLE staff_ceremonies;
