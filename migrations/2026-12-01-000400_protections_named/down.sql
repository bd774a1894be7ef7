ALTER TABLE protections DROP COLUMN kana_fold1;
