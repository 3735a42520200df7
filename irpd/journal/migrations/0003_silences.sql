-- Silences that aren't over and forgotten. Signals that wait outside any incident are members of incident 0;
-- those that ended to wait without coming into one, of -1.
CREATE TABLE silences (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
