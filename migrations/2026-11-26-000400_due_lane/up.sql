-- Order and leases of what waits. An older node's rows are of the middle rank and come at once; it takes no notice of the
-- leases, so while both run a mail may go out twice, under one Message-ID. `jobs.leased_until` and `mails.leased_until` are
-- no longer written.
ALTER TABLE due
    ADD COLUMN rank smallint NOT NULL DEFAULT 1,
    ADD COLUMN turn timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN leased_until timestamptz,
    ADD COLUMN leased_by uuid,
    -- Since it last came to any end.
    ADD COLUMN takes smallint NOT NULL DEFAULT 0;
-- With the time behind the turn, what is to be tried again later is passed over within the index.
CREATE INDEX due_by_turn ON due (queue, rank, turn, due_at);
-- The end of an insurer's line.
CREATE INDEX due_by_line ON due (tenant_id, queue, rank, turn);
DROP INDEX due_by_time;
