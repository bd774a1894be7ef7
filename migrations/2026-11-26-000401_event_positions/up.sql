-- Positions of events: without gaps per insurer, in the order of commit. Events that an older node writes meanwhile have
-- none.
CREATE TABLE event_heads (
    tenant_id int NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant_id)
);
SELECT tenant_table('event_heads', 'jobs', 'select, insert, update');
ALTER TABLE events ADD COLUMN position bigint;
DO $$
DECLARE insurer record;
BEGIN
    FOR insurer IN SELECT tenant_id FROM insurers LOOP
        EXECUTE format('SET LOCAL madoguchi.tenant_id = %L', insurer.tenant_id);
        UPDATE events SET position = counted.position
        FROM (SELECT event_id, row_number() OVER (ORDER BY at, event_id) AS position
              FROM events WHERE tenant_id = insurer.tenant_id) AS counted
        WHERE events.tenant_id = insurer.tenant_id AND events.event_id = counted.event_id;
        INSERT INTO event_heads (tenant_id, position)
        SELECT tenant_id, max(position) FROM events WHERE tenant_id = insurer.tenant_id GROUP BY tenant_id;
    END LOOP;
    SET LOCAL madoguchi.tenant_id = '';
END $$;
CREATE INDEX events_by_position ON events (tenant_id, position);
