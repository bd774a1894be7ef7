-- Of what kind of rows a message tells, where its link says so: events are another's table, and gone before what is sent of them.
ALTER TABLE webhook_deliveries ADD COLUMN of_kind text;
