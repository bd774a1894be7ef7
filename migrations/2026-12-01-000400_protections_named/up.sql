-- By which the list of the protected is in order, as persons has it. Written with the protection and by what changes the roster;
-- of one that an older binary sets, by the next of these.
ALTER TABLE protections ADD COLUMN kana_fold1 text COLLATE "C" NOT NULL DEFAULT '';
