-- The journal: receipts (what came in), events (what happened), and the rows that the events come to.

-- Names that recur: types of events, sources, subjects other than incidents.
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
-- Number 1 is known to the index below.
INSERT INTO names (id, name) VALUES (1, 'signals-repeated');

-- subject: N > 0 is incident:N, -N is the name N. at: microseconds since 1970. digest stands here only
-- once the payload was erased (and the salt with it); until then it follows from both.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL,
    type INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    salt BLOB,
    payload BLOB,
    digest BLOB
) STRICT;
-- Repeats are most of the events and nobody asks for one source's.
CREATE INDEX events_of_subject ON events (subject) WHERE type > 1;

-- The chain's head after each commit; seq is the commit's last event.
CREATE TABLE commits (
    seq INTEGER PRIMARY KEY,
    head BLOB NOT NULL
) STRICT;

-- base IS NULL: a whole body (packed = 1: deflated). Otherwise body is a difference to that receipt's
-- body, and source and sender_group are that receipt's; so are the headers unless they stand here.
CREATE TABLE receipts (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    base INTEGER,
    body BLOB NOT NULL,
    packed INTEGER,
    source INTEGER,
    headers BLOB,
    sender_group TEXT
) STRICT;
-- Receipts that others are differences to. last: the highest of those; NULL while there may be more.
CREATE TABLE bases (
    id INTEGER PRIMARY KEY,
    last INTEGER
) STRICT;

-- The projection. key: the first 63 bits of the key's SHA-256. seq: the last event that the row has in it; rows
-- may lag behind by repeats (see state.repeats).
CREATE TABLE incidents (
    number INTEGER PRIMARY KEY,
    live INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX incidents_live ON incidents (number) WHERE live = 1;
CREATE TABLE members (
    sid INTEGER PRIMARY KEY,
    incident INTEGER NOT NULL,
    key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX members_of_incident ON members (incident);
CREATE INDEX members_by_key ON members (key);
CREATE TABLE pages (
    id TEXT PRIMARY KEY,
    incident INTEGER NOT NULL,
    awaited INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pages_of_incident ON pages (incident);
CREATE INDEX pages_awaited ON pages (id) WHERE awaited = 1;
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- turn: the highest is in force.
CREATE TABLE configs (
    hash TEXT PRIMARY KEY,
    turn INTEGER NOT NULL,
    bundle BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row. receipt_bytes: what the receipts take; last_receipt: the highest ever given; repeats: every row of a
-- signal has in it at least the repeats up to this event.
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    consumed INTEGER NOT NULL,
    last_receipt INTEGER NOT NULL,
    receipt_bytes INTEGER NOT NULL,
    last_at INTEGER,
    projection INTEGER NOT NULL,
    repeats INTEGER NOT NULL
) STRICT;
INSERT INTO state (id, consumed, last_receipt, receipt_bytes, last_at, projection, repeats)
VALUES (1, 0, 0, 0, NULL, 0, 0);
