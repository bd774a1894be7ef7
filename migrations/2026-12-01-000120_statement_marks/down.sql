DROP TABLE statement_marks;
