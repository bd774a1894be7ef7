DROP INDEX persons_by_symbol;
