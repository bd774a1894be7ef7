-- A check that was validated is none the less one.
SELECT 1;
