-- The directory itself. What the service checks at its door is repeated here as constraints,
-- so that a row is as trustworthy when somebody else wrote it.

CREATE TABLE users (
    id           uuid        NOT NULL,
    email        text        NOT NULL,
    -- NFC and lower case of the address and the name, for all of Unicode, made by the service:
    -- lower() of the database folds by its locale, which differs from one installation to the next.
    email_key    text        COLLATE "C" NOT NULL,
    name         text        NOT NULL,
    name_key     text        COLLATE "C" NOT NULL,
    phone        text,
    title        text,
    department   text        COLLATE "C",
    status       text        COLLATE "C" NOT NULL,
    row_version  bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    -- Every run of three characters of name_key and email_key, and the last two of each (docs/adr/0003).
    search_grams tsvector    NOT NULL,

    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email_key),
    CONSTRAINT users_email_check CHECK (octet_length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_name_check CHECK (char_length(name) BETWEEN 1 AND 200 AND name !~ '[\x01-\x1f\x7f-\x9f]'),
    CONSTRAINT users_phone_check CHECK (phone ~ '^\+[0-9]{7,15}$'),
    CONSTRAINT users_title_check CHECK (char_length(title) BETWEEN 1 AND 100 AND title !~ '[\x01-\x1f\x7f-\x9f]'),
    CONSTRAINT users_department_check CHECK (char_length(department) BETWEEN 1 AND 100 AND department !~ '[\x01-\x1f\x7f-\x9f]'),
    CONSTRAINT users_status_check CHECK (status IN ('active', 'suspended')),
    CONSTRAINT users_row_version_check CHECK (row_version >= 1),
    CONSTRAINT users_updated_at_check CHECK (updated_at >= created_at)
);

-- One index for each sort; the id breaks ties. The order by e-mail is that of the unique key.
CREATE INDEX users_created_at ON users (created_at, id);
CREATE INDEX users_name ON users (name_key, id);
-- One for each filter, in the default order.
CREATE INDEX users_department ON users (department, created_at, id);
CREATE INDEX users_status ON users (status, created_at, id);
CREATE INDEX users_search ON users USING gin (search_grams);

-- Signs the cursors that clients hand back, the same for every replica: a cursor that was tampered with is refused.
CREATE TABLE cursor_keys (
    id  smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    key bytea    NOT NULL CHECK (octet_length(key) = 32)
);
INSERT INTO cursor_keys (key)
SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
