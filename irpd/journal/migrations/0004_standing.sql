-- Small rows beside the incidents (silences and their like), each under its kind.
CREATE TABLE standing (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
INSERT INTO standing (kind, key, data) SELECT 'silence', CAST(id AS TEXT), data FROM silences;
DROP TABLE silences;
