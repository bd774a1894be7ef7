DROP TABLE client_scopes_used, client_days, client_tokens, client_grants, client_places, client_secrets, clients;
