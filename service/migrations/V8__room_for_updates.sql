-- An update that touches no index leaves the new version of the row on its page, if there is room, and no index is written
-- for it. Pages that are full already get theirs as rows move away.
ALTER TABLE users SET (fillfactor = 85);

-- New entries of the search index lie in a list that whoever fills it sorts into the index, while all other writers wait.
-- The service has it sorted in before, by one replica at a time; the list is longer than that takes.
ALTER INDEX users_search SET (gin_pending_list_limit = 12288);

-- Up to which position of the feed the entries were sorted in.
CREATE TABLE search_index_tidied (
    id      smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    through bigint   NOT NULL
);
INSERT INTO search_index_tidied (through) VALUES (0);

-- Sorts them in once there are at least so many changes: the more at a time, the less each costs. Nothing while another
-- replica does it. As the owner, which alone may.
CREATE FUNCTION tidy_search_index(changes bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    newest bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(5931894172722287107) THEN
        RETURN;
    END IF;
    SELECT max(position) INTO newest FROM user_changes;
    IF newest - (SELECT through FROM search_index_tidied) >= changes THEN
        PERFORM gin_clean_pending_list('users_search');
        UPDATE search_index_tidied SET through = newest;
    END IF;
END
$$;
