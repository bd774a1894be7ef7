-- What staff did with a delivery, and what is to be done with it: beside its head, of which the command line knows nobody.
ALTER TABLE statement_deliveries
    -- Who wishes it to be published at publish_at, and whether all members are told of it by a notice then.
    ADD COLUMN publish_by uuid,
    ADD COLUMN publish_notice boolean NOT NULL DEFAULT false,
    -- Who published it last.
    ADD COLUMN published_by uuid,
    -- Who replaced or withdrew it, and of what was withdrawn why, by a word of a fixed list.
    ADD COLUMN ended_by uuid,
    ADD COLUMN ended_why text;
