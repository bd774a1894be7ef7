DROP INDEX persons_of_workplace;
DROP INDEX mails_not_delivered;
DROP INDEX accounts_by_registration;
DROP TABLE roster_tallies;
DROP TABLE roster_workplaces;
DROP TABLE sign_up_failures;
DROP TABLE registration_days;
