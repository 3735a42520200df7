-- A signal is looked up by its key once it has left memory only if it is an issue that somebody may have said to
-- ignore. From here on only the keys of issues stand in their rows, 0 in others'. Rows from before keep theirs.
DROP INDEX members_by_key;
CREATE INDEX members_of_issues ON members (key) WHERE key <> 0;
