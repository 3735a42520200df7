"""How events change the rows of monitors."""

from datetime import datetime

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.heartbeat import Heartbeat
from irpd.protocol.rows import Rows, Torn

#: The subject of these events.
HEARTBEATS = "heartbeats"


def evolve_heartbeats(rows: Rows, event: e.AnyEvent, at: datetime) -> None:
    """Apply one event of this subject. Raises Torn if it speaks of what isn't there."""
    match event:
        case e.HeartbeatsExpected():
            for name in event.dropped:
                rows.drop_standing(_known(rows, name))
            for name in event.added:
                rows.put_standing(Heartbeat(name=name, since=at))
        case e.HeartbeatSeen():
            rows.put_standing(replace(_known(rows, event.name), seen_at=at))
        case _:
            raise Torn(f"{type(event).__name__} can't happen to heartbeats")


def _known(rows: Rows, name: str) -> Heartbeat:
    row = rows.stands(Heartbeat, name)
    if row is None:
        raise Torn(f"heartbeat {name} is not expected")
    return row
