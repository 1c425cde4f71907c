-- Who made a change: the client of the request. NULL for changes of releases that did not record it, and without
-- authentication.
ALTER TABLE user_changes ADD COLUMN actor text COLLATE "C";
