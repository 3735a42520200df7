"""Heartbeats: monitors that are heard of by what they don't say."""

from datetime import datetime
from typing import ClassVar

from irpd.model.standing import Standing

#: The source of signals about monitors that have fallen silent. No configured source has this name.
HEARTBEAT = "heartbeat"
#: The label that names the monitor.
MONITOR = "heartbeat"
#: A monitor that reports this often or less keeps each report on disk (seconds). One that reports more often
#: begins anew after a start, which costs at most this much.
KEPT_FROM = 3600.0


class Heartbeat(Standing, frozen=True, omit_defaults=True, kw_only=True):
    """A monitor of the files. ``since`` is when they first had it; ``seen_at`` when it last reported, for
    those whose reports are kept (``KEPT_FROM``)."""

    kind: ClassVar[str] = "heartbeat"
    name: str
    since: datetime
    seen_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.name
