"""A decision being made: a layer of rows, the policy, the time, and the events so far.

``emit`` is the only way to change anything: the event is applied to the draft's own rows
at once, so that what is decided next sees it, and the draft can be thrown away whole.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from irpd.config.values import Configuration
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import Incident, State
from irpd.oncall.changes import Changes
from irpd.protocol.evolve import evolve, subject_of
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows


class Draft:
    """One command's decision. ``events`` are (subject, event) in the order they were made."""

    __slots__ = ("defects", "events", "first_byte_at", "now", "policy", "rows")

    def __init__(
        self, base: Rows, policy: Policy, now: datetime, *, first_byte_at: datetime | None = None
    ) -> None:
        self.rows = Rows(base)
        self.policy = policy
        self.now = now
        self.first_byte_at = first_byte_at
        self.events: list[tuple[str, e.AnyEvent]] = []
        self.defects: list[tuple[str, Exception]] = []  # what raised and was made up for; for the shell's log

    @property
    def configuration(self) -> Configuration:
        return self.policy.configuration

    @property
    def changes(self) -> Changes:
        """What people changed of who is on call."""
        return self.rows.changes()

    def emit(self, number: int, event: e.AnyEvent) -> Incident:
        """An event of an incident; returns the incident as it is after it."""
        subject = subject_of(number)
        evolve(self.rows, subject, event, self.now)
        self.events.append((subject, event))
        return self.rows.incidents[number]  # an event always leaves its incident's row here

    def emit_about(self, subject: str, event: e.AnyEvent) -> None:
        """An event of another subject."""
        evolve(self.rows, subject, event, self.now)
        self.events.append((subject, event))

    def incident(self, number: int) -> Incident:
        """The incident. Raises Refusal if there is none in memory."""
        incident = self.rows.incident(number)
        if incident is None:
            raise Refusal("not-found", f"there is no incident #{number}")
        return incident

    def active(self, number: int, doing: str) -> Incident:
        """The incident if it can still be worked on. Raises Refusal that says what it is instead."""
        incident = self.incident(number)
        if not incident.state.active:
            raise Refusal("state", f"can't {doing} {incident.ref}: it {self.over(incident)}")
        return incident

    def name(self, person: str) -> str:
        """What people call them; what is no person's id (``local:root``) as it is."""
        known = self.configuration.people.get(person)
        return (known.name or person) if known is not None else person

    def over(self, incident: Incident) -> str:
        """How an incident that is over ended, to follow "it"."""
        match incident.state:
            case State.MERGED:
                return f"was merged into #{incident.merged_into}"
            case State.RESOLVED | State.CLOSED:
                by = f" by {self.name(incident.resolved_by)}" if incident.resolved_by else " by itself"
                at = f" at {self._clock(incident.resolved_at)}" if incident.resolved_at else ""
                return f"was resolved{at}{by}"
            case _:
                return f"is {incident.state}"

    def _clock(self, at: datetime) -> str:
        """In the zone of times that name none; the asker's isn't known here."""
        name = self.configuration.server.time_zone
        try:
            return f"{at.astimezone(ZoneInfo(name)):%H:%M} {name}"
        except (LookupError, ValueError, OSError):  # a zone that this machine lost after the check
            return f"{at:%H:%M} UTC"
