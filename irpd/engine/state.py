"""What everybody else may read: the committed state, as rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from irpd.model.contact import Contact
from irpd.model.heartbeat import Heartbeat
from irpd.model.incident import Incident, Member
from irpd.model.override import Override
from irpd.model.page import Page
from irpd.model.shift import ComingShift, key_of
from irpd.model.waits import Silence
from irpd.oncall.changes import Changes
from irpd.protocol.rows import Rows


class State:
    """Read-only view of the bottom layer. It changes only by publishing, on the loop, in one go."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @property
    def incidents(self) -> Mapping[int, Incident]:
        return MappingProxyType(self._rows.incidents)

    @property
    def members(self) -> Mapping[int, Member]:
        return MappingProxyType(self._rows.members)

    @property
    def pages(self) -> Mapping[str, Page]:
        return MappingProxyType(self._rows.pages)

    @property
    def waiting(self) -> list[Member]:
        """The signals that wait outside any incident, oldest first."""
        found = (self._rows.members.get(sid) for sid in self._rows.all_waiting())
        return [member for member in found if member is not None]

    @property
    def silences(self) -> list[Silence]:
        """Those that were not forgotten yet, oldest first; some may be over."""
        return self._rows.all_standing(Silence)

    @property
    def overrides(self) -> list[Override]:
        """Those that were not forgotten yet, oldest first; some may be over."""
        return self._rows.all_standing(Override)

    @property
    def changes(self) -> Changes:
        """What people changed of who is on call."""
        return self._rows.changes()

    def heartbeat(self, name: str) -> Heartbeat | None:
        """What is kept of this monitor."""
        return self._rows.stands(Heartbeat, name)

    @property
    def contacts(self) -> list[Contact]:
        """What is known of people's contact methods."""
        return self._rows.all_standing(Contact)

    def shift(self, schedule: str, person: str, begins: datetime) -> ComingShift | None:
        """What was told of this shift, or tested for it."""
        return self._rows.stands(ComingShift, key_of(schedule, person, begins))

    def members_of(self, number: int) -> list[Member]:
        """The incident's signals, oldest first; empty when it is not in memory."""
        incident = self._rows.incidents.get(number)
        return [] if incident is None else list(self._rows.members_of(incident))

    def pages_of(self, number: int) -> list[Page]:
        incident = self._rows.incidents.get(number)
        return [] if incident is None else list(self._rows.pages_of(incident))

    def sends_in(self, channel: str, provider_id: str) -> Sequence[tuple[str, int]]:
        """The sends (page and number) that went out in this message."""
        return self._rows.sends_in(channel, provider_id)

    def member_of(self, key: str) -> Member | None:
        """The newest signal with this key (source in front)."""
        sid = self._rows.sid_of(key)
        return None if sid is None else self._rows.member(sid)
