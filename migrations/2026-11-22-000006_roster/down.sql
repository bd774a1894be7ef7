DROP TABLE roster_matches, roster_staging, roster_changes, roster_imports, roster_heads, persons;
