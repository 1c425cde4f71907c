-- The change feed and the memory of retries. Both are written in the transaction of the change that they tell of.

-- A position is given out under a lock that is held until the commit, so positions are in the order of commits (docs/adr/0002).
CREATE TABLE user_changes (
    position    bigint      GENERATED ALWAYS AS IDENTITY (CACHE 1),
    kind        text        COLLATE "C" NOT NULL,
    at          timestamptz NOT NULL,
    user_id     uuid        NOT NULL,
    -- The user as the change left it; all null after a deletion.
    email       text,
    name        text,
    phone       text,
    title       text,
    department  text,
    status      text,
    row_version bigint,
    created_at  timestamptz,

    CONSTRAINT user_changes_pkey PRIMARY KEY (position),
    CONSTRAINT user_changes_kind_check CHECK (kind IN ('created', 'updated', 'deleted')),
    CONSTRAINT user_changes_user_check CHECK ((kind = 'deleted') = (email IS NULL))
);

-- Up to where the feed was swept: a reader that stands before it has missed something, and is told.
CREATE TABLE user_changes_swept (
    id      smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    through bigint   NOT NULL
);
INSERT INTO user_changes_swept (through) VALUES (0);

-- What each attempt to create under an Idempotency-Key led to.
CREATE TABLE idempotency_keys (
    client      text        COLLATE "C" NOT NULL,
    key         text        COLLATE "C" NOT NULL,
    fingerprint bytea       NOT NULL,
    -- The user that the attempt creates, whether or not the address turned out to be taken.
    user_id     uuid        NOT NULL,
    email_taken boolean     NOT NULL DEFAULT false,
    email       text        NOT NULL,
    name        text        NOT NULL,
    phone       text,
    title       text,
    department  text,
    status      text        NOT NULL,
    created_at  timestamptz NOT NULL,

    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (client, key),
    CONSTRAINT idempotency_keys_key_check CHECK (octet_length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_fingerprint_check CHECK (octet_length(fingerprint) = 32)
);

-- For the sweep of expired keys.
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
