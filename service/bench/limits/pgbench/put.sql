-- A seeded user replaced: another name, the same address. The grams are a constant: in favour of pgbench.
\set digits random(100000000000000, 100000000000000 + :users - 1)
\set other random(1000000000, 9999999999)
UPDATE users SET email = email, email_key = email_key, name = 'Ada Lovelace ' || :other,
    name_key = 'ada lovelace ' || :other, phone = '+442071234567', title = 'Analyst', department = 'Engines',
    status = 'active',
    search_grams = '''ada'' ''da '' ''a l'' '' lo'' ''lov'' ''ove'' ''vel'' ''ela'' ''lac'' ''ace'' ''ce '' ''@ex'' ''exa'' ''xam'' ''amp'' ''mpl'' ''ple'' ''le.'' ''e.c'' ''.co'' ''com'' ''om'''::tsvector,
    row_version = row_version + 1, updated_at = now()
WHERE id = ('01936f5e000070008' || :digits)::uuid
RETURNING id, email, name, phone, title, department, status, created_at, updated_at;
