DROP TABLE webhook_sequences;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
DROP TABLE webhook_cursors;
DELETE FROM due WHERE queue IN ('events', 'webhook');
