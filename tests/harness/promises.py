"""What every answer of 202 promises, read from the journal that a daemon has left behind."""

import contextlib
import json
from collections.abc import Mapping, Set
from pathlib import Path

from irpd.journal.file_check import check_file
from irpd.journal.reader import open_reader
from irpd.journal.verify import check_projection, verify_chain


def held(journal: Path, accepted: Mapping[int, tuple[str, ...]]) -> None:
    """Each accepted receipt is there, each of its keys is a signal of an incident, chain and rows are whole.

    ``accepted``: receipt → keys of its signals. Says what isn't so by an AssertionError."""
    with contextlib.closing(open_reader(journal)) as reader:
        lost = [number for number in accepted if reader.receipt(number) is None]
    assert not lost, f"{len(lost)} accepted reports are not in the journal, receipt {lost[0]} first"
    signals_are_there(journal, {key for keys in accepted.values() for key in keys})
    chain, projection = verify_chain(journal), check_projection(journal)
    assert chain.ok, chain.problems
    assert projection.ok, projection.differences
    assert not check_file(journal)


def signals_are_there(journal: Path, keys: Set[str]) -> None:
    """Each key is that of a signal of an incident."""
    with contextlib.closing(open_reader(journal)) as reader:
        rows = reader.connection.execute("SELECT data FROM members")
        missing = keys - {json.loads(data)["key"] for (data,) in rows}
    assert not missing, f"{len(missing)} accepted alerts are in no incident, {sorted(missing)[:3]}"


def delivered(journal: Path) -> set[str]:
    """Ids of the pages of which a message is known to have been delivered."""
    with contextlib.closing(open_reader(journal)) as reader:
        pages = [json.loads(data) for (data,) in reader.connection.execute("SELECT data FROM pages")]
    return {page["id"] for page in pages if any(send.get("state") == "delivered" for send in page["sends"])}
