-- Whether members are told by mail of what is published, and up to which account they were: nobody is told of a delivery twice,
-- however often it is taken back and published anew.
CREATE TABLE statement_mailings (
    tenant_id int NOT NULL,
    delivery_id uuid NOT NULL,
    -- Which publication: that of the delivery's head, or nobody is told.
    published_at timestamptz NOT NULL,
    -- The delivery in whose place it is, by which its new rows are known.
    replaced int,
    come_to uuid,
    -- Mails that were written.
    told int NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, delivery_id),
    FOREIGN KEY (tenant_id, delivery_id) REFERENCES statement_deliveries (tenant_id, delivery_id)
);
SELECT tenant_table('statement_mailings', 'statements', 'select, insert, update');
