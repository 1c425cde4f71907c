-- The service took ς and σ for two letters; since then it folds both to σ, as ΟΔΟΣ, οδος and οδοσ differ in case alone.
-- Keys and grams that were made before are made anew. Two users whose addresses differ in this alone have become one
-- address: then nothing is changed, the error names the address, and one of the two has to be given another first.
UPDATE users
SET email_key = replace(email_key, 'ς', 'σ'),
    name_key = replace(name_key, 'ς', 'σ'),
    search_grams = array_to_tsvector(
        ARRAY(SELECT DISTINCT replace(gram.lexeme, 'ς', 'σ') FROM unnest(search_grams) AS gram)
    )
WHERE email_key LIKE '%ς%' OR name_key LIKE '%ς%';
