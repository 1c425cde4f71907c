-- The programs that may ask for tokens. A secret is kept as its Argon2id hash alone.

CREATE TABLE clients (
    id          text        COLLATE "C" NOT NULL,
    name        text        NOT NULL,
    secret_hash text        NOT NULL,
    scopes      text[]      COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL,
    -- A revoked client stays: its id must never come to mean another.
    revoked_at  timestamptz,

    CONSTRAINT clients_pkey PRIMARY KEY (id),
    CONSTRAINT clients_id_check CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    CONSTRAINT clients_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT clients_secret_hash_check CHECK (secret_hash LIKE '$argon2id$%'),
    CONSTRAINT clients_scopes_check CHECK (scopes <@ ARRAY['users:read', 'users:write'] AND cardinality(scopes) > 0)
);
