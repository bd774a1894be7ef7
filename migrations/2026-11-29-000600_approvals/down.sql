DROP INDEX staff_roles_by_role;
DROP TABLE approvals;
