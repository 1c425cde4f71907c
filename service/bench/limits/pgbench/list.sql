-- The first page of fifty.
SELECT id, email, name, phone, title, department, status, created_at, updated_at
FROM users ORDER BY created_at, id LIMIT 50;
