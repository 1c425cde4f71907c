-- A seeded user by id. The fifteen digits complete the seeded id; putting them together costs PostgreSQL well under 1 µs.
\set digits random(100000000000000, 100000000000000 + :users - 1)
SELECT id, email, name, phone, title, department, status, created_at, updated_at
FROM users WHERE id = ('01936f5e000070008' || :digits)::uuid;
