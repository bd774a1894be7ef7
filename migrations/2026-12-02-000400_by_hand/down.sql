DROP INDEX held_rows_waiting;
DROP TABLE struck_claims, remembered_numbers;
