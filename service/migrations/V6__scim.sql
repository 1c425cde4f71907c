-- What identity providers keep of a user over SCIM, beside the row that everybody reads, which stays as it is; and
-- long-lived tokens for those of them that cannot ask for short ones.

CREATE TABLE scim_users (
    user_id       uuid  NOT NULL,
    -- The attributes as the provider wrote them. What of them is also in the row of the user may have changed there since.
    attributes    jsonb NOT NULL,
    -- The folded userName where that is not an e-mail address; one that is lies in users.email_key.
    user_name_key text  COLLATE "C",
    -- The folded addresses beside the user's own.
    email_keys    text[] COLLATE "C",

    CONSTRAINT scim_users_pkey PRIMARY KEY (user_id),
    CONSTRAINT scim_users_user_name_key UNIQUE (user_name_key),
    CONSTRAINT scim_users_attributes_check CHECK (jsonb_typeof(attributes) = 'object')
);
CREATE INDEX scim_users_email_keys ON scim_users USING gin (email_keys) WHERE email_keys IS NOT NULL;

-- The provider's own name of a user: each provider has one of its own.
CREATE TABLE scim_external_ids (
    user_id     uuid NOT NULL,
    client      text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,

    CONSTRAINT scim_external_ids_pkey PRIMARY KEY (user_id, client),
    CONSTRAINT scim_external_ids_external_id_key UNIQUE (client, external_id)
);

-- Both go with the user, whichever release deletes it. A trigger of deletions, and no foreign keys: those would have every
-- update of a user checked as well (docs/adr/0087). It runs as the owner: a role that may delete users need not know of it.
CREATE FUNCTION forget_scim_users() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM scim_users WHERE user_id IN (SELECT id FROM gone);
    DELETE FROM scim_external_ids WHERE user_id IN (SELECT id FROM gone);
    RETURN NULL;
END
$$;
CREATE TRIGGER users_forget_scim_users AFTER DELETE ON users
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_scim_users();

-- Where the standard and a provider contradict each other, which of them a client follows; NULL is the standard.
ALTER TABLE clients ADD COLUMN scim_profile text COLLATE "C";
ALTER TABLE clients DROP CONSTRAINT clients_scopes_check;
ALTER TABLE clients ADD CONSTRAINT clients_scopes_check
    CHECK (scopes <@ ARRAY['users:read', 'users:write', 'scim'] AND cardinality(scopes) > 0) NOT VALID;

-- A token is kept as its SHA-256 alone: it is random, so that nobody can guess what has a given hash.
CREATE TABLE client_tokens (
    id         text        COLLATE "C" NOT NULL,
    client     text        COLLATE "C" NOT NULL,
    name       text        NOT NULL,
    token_hash bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,

    CONSTRAINT client_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT client_tokens_client_fkey FOREIGN KEY (client) REFERENCES clients (id),
    CONSTRAINT client_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT client_tokens_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT client_tokens_token_hash_check CHECK (octet_length(token_hash) = 32)
);
