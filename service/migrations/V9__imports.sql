-- Imports: how far each has come, written in the transaction of the users that it tells of, so that a repeated one continues
-- where the first was interrupted and no record counts twice. Rows go a day after the last change.

CREATE TABLE imports (
    id          uuid        NOT NULL,
    client      text        COLLATE "C" NOT NULL,
    -- NULL for an import that cannot be continued.
    key         text        COLLATE "C",
    -- Of everything that decides what the import does with a record.
    fingerprint bytea       NOT NULL,
    started_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    -- Up to where its input was read: records, bytes, and the SHA-256 of these bytes.
    records     bigint      NOT NULL DEFAULT 0,
    bytes       bigint      NOT NULL DEFAULT 0,
    digest      bytea       NOT NULL,
    created     bigint      NOT NULL DEFAULT 0,
    updated     bigint      NOT NULL DEFAULT 0,
    unchanged   bigint      NOT NULL DEFAULT 0,
    refused     bigint      NOT NULL DEFAULT 0,
    removed     bigint      NOT NULL DEFAULT 0,
    finished    boolean     NOT NULL DEFAULT false,

    CONSTRAINT imports_pkey PRIMARY KEY (id),
    CONSTRAINT imports_key UNIQUE (client, key),
    CONSTRAINT imports_key_check CHECK (octet_length(key) BETWEEN 1 AND 255),
    CONSTRAINT imports_digests_check CHECK (octet_length(fingerprint) = 32 AND octet_length(digest) = 32)
) WITH (fillfactor = 50);

-- What is reported of the records, in parts, each of one transaction. It waits here until the client reads it.
CREATE TABLE import_reports (
    import  uuid   NOT NULL,
    records bigint NOT NULL,
    content bytea  NOT NULL,

    CONSTRAINT import_reports_pkey PRIMARY KEY (import, records)
);
-- Written once and read once: compressing it would cost more than it saves.
ALTER TABLE import_reports ALTER COLUMN content SET STORAGE EXTERNAL;

-- The users that a synchronisation has met, and those that a dry run would have created.
CREATE TABLE import_seen (
    import uuid NOT NULL,
    seen   uuid NOT NULL,

    CONSTRAINT import_seen_pkey PRIMARY KEY (import, seen)
);
