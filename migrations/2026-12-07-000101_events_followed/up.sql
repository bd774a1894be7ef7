-- Whether somebody follows an insurer's events: then they are to be looked at, and otherwise nobody asks for them.
ALTER TABLE event_heads ADD COLUMN followed boolean NOT NULL DEFAULT false;
