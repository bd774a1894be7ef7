DROP FUNCTION directory_table(text, text, text);
DROP FUNCTION tenant_table(text, text, text);
