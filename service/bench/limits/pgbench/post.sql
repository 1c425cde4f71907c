-- A new user. `run` and `n` come from the command line; each client counts up, so that ids grow as those of UUIDv7 do.
-- The grams are a constant, and for half of the users' text: in favour of pgbench.
\set n :n + 1
\set digits :run * 1000000000000 + :client_id * 1000000000 + :n
INSERT INTO users (id, email, email_key, name, name_key, phone, title, department, status, search_grams, row_version,
    created_at, updated_at)
VALUES (('01936f5e000070008' || :digits)::uuid, 'pgbench' || :digits || '@example.com',
    'pgbench' || :digits || '@example.com', 'Ada Lovelace ' || :digits, 'ada lovelace ' || :digits, '+442071234567', 'Analyst',
    'Engines', 'active',
    '''ada'' ''da '' ''a l'' '' lo'' ''lov'' ''ove'' ''vel'' ''ela'' ''lac'' ''ace'' ''ce '' ''@ex'' ''exa'' ''xam'' ''amp'' ''mpl'' ''ple'' ''le.'' ''e.c'' ''.co'' ''com'' ''om'''::tsvector,
    1, now(), now())
RETURNING id, email, name, phone, title, department, status, created_at, updated_at;
