"""Whether the file itself is whole, beyond what the chain and the rows show.

Indexes are no history, and nothing that is replayed reads them: a damaged one would be noticed only by
whoever looks something up by it. SQLite compares each with its table. A stored configuration carries a
checksum of its own, that of zlib.
Source: https://sqlite.org/pragma.html#pragma_integrity_check
"""

import zlib
from pathlib import Path

from irpd.journal.failure import explained
from irpd.journal.reader import open_reader
from irpd.journal.schema import rows

#: So many problems are named; one damaged page can make thousands.
SHOWN = 20


def check_file(path: Path | str) -> tuple[str, ...]:
    """What is wrong, in SQLite's words; nothing when all is well. Reads the whole file.

    Raises JournalUnavailable, JournalNewer, JournalCorrupt."""
    reader = open_reader(path)
    try:
        with explained(Path(path)):
            found = rows(reader.connection, f"PRAGMA integrity_check({SHOWN})")
            problems = [line for (text,) in found if text != "ok" for line in str(text).splitlines()]
            for name, bundle in rows(reader.connection, "SELECT hash, bundle FROM configs"):
                try:
                    zlib.decompress(bundle)
                except zlib.error:
                    problems.append(f"the stored configuration {name} can't be unpacked")
    finally:
        reader.close()
    return tuple(problems[:SHOWN])
