-- What the chain says of receipts, and where it ends.

-- The salt of the digest that stands in the event of what the receipt came to; it goes with the receipt.
-- Differences have that of their base.
ALTER TABLE receipts ADD COLUMN salt BLOB;

-- The last event: a journal whose tail was cut off says more here than its chain has.
ALTER TABLE state ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE state SET seq = coalesce((SELECT max(seq) FROM commits), 0);
