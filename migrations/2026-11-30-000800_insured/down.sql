DROP INDEX persons_insured;
