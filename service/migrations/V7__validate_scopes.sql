-- migrate: outside of a transaction
ALTER TABLE clients VALIDATE CONSTRAINT clients_scopes_check;
