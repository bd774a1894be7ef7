ALTER TABLE mails DROP COLUMN again_at;
DROP INDEX due_dead;
DELETE FROM due WHERE queue LIKE 'dead.%';
DROP TABLE nodes;
DROP TABLE maintenances;
