"""For whom a command's text is: in which time zone its times read, and what people are called."""

from datetime import UTC, datetime
from typing import Any

from irpd.cli.client import Daemon
from irpd.cli.failure import NO, Failed
from irpd.cli.times import Shown, parse_time


class Reader:
    """Times are in ``--tz``, else the zone of the person who asks, else the server's; people by their names.

    The daemon is asked at the first use. One that doesn't know leaves this machine's zone and the ids."""

    def __init__(self, daemon: Daemon, zone: str | None) -> None:
        self._daemon = daemon
        self._zone = zone
        self._known: dict[str, Any] | None = None

    def _people(self) -> dict[str, Any]:
        if self._known is None:
            try:
                self._known = self._daemon.get("/people").document
            except Failed as error:
                if error.exit_code != NO:
                    raise
                self._known = {}  # an older daemon
        return self._known

    @property
    def zone(self) -> str | None:
        zone = self._zone or self._people().get("time_zone")
        return None if zone is None else str(zone)

    @property
    def shown(self) -> Shown:
        people = self._people().get("people", [])
        return Shown(self.zone, names={one["id"]: one["name"] for one in people})

    def instant(self, text: str) -> str:
        """A time that somebody typed, as the API takes it. Raises Failed."""
        at = parse_time(text, zone=self.zone, now=datetime.now(UTC))
        return at.isoformat(timespec="seconds").replace("+00:00", "Z")
