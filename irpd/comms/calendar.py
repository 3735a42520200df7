"""Shifts as calendars (iCalendar, RFC 5545), and the secret addresses at which calendar programs fetch them.

One event a shift, in UTC, so that no calendar program has to know a zone's rules; its UID is made of the
schedule and the beginning, so that a shift that goes to somebody else is the same event, changed. An address
holds the calendar's name and 128 bits of an HMAC over it: it can't be guessed, needs no table, and ends with
the key file (``links``).
"""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from irpd.config.values import Configuration
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.documents import UNREADABLE
from irpd.oncall.roster import rosters
from irpd.oncall.shifts import Shift, shifts

#: What a calendar shows: so far back, so far ahead, and so many shifts at most.
BACK, AHEAD, MOST = timedelta(days=30), timedelta(days=182), 5000


class Calendars:
    """Makes and proves the addresses. ``key`` is that of the links."""

    def __init__(self, key: bytes, public_url: str) -> None:
        self._key = key
        self._base = public_url.rstrip("/")

    def address(self, kind: str, name: str) -> str:
        """Where the calendar of a ``schedule`` or a ``person`` is."""
        return f"{self._base}/calendar/{kind}/{name}/{self._token(kind, name)}.ics"

    def proves(self, kind: str, name: str, token: str) -> bool:
        """Whether the address is this calendar's own; compared in constant time."""
        return hmac.compare_digest(self._token(kind, name).encode(), token.encode("utf-8", "replace"))

    def page_address(self, kind: str, name: str) -> str:
        """Where a browser sees the shifts of a ``schedule``, or of a ``person`` and who is on call. Not to be
        told from a calendar's address: that of a person is often given to others, and has nobody else in it.
        """
        return f"{self._base}/on-call/{kind}/{name}/{self._token(kind, name, what='page')}"

    def proves_page(self, kind: str, name: str, token: str) -> bool:
        """The same of a page's address."""
        right = self._token(kind, name, what="page")
        return hmac.compare_digest(right.encode(), token.encode("utf-8", "replace"))

    def _token(self, kind: str, name: str, *, what: str = "calendar") -> str:
        return hmac.digest(self._key, f"{what}\0{kind}\0{name}".encode(), hashlib.sha256).hex()[:32]


def schedule_calendar(
    configuration: Configuration, name: str, now: datetime, changes: Changes = NONE
) -> bytes:
    """Everybody's shifts on one schedule. Raises what a schedule raises that isn't there or can't be read."""
    calendar = _calendar(f"On call: {name}")
    for shift in _shifts(configuration, name, now, changes):
        known = configuration.people.get(shift.person)
        calendar.add_component(_event(name, shift, known.name if known else shift.person, now))
    return bytes(calendar.to_ical())


def person_calendar(
    configuration: Configuration, person: str, now: datetime, changes: Changes = NONE
) -> bytes:
    """One person's shifts on all schedules."""
    found = configuration.people.get(person)
    calendar = _calendar(f"On call: {found.name if found else person}")
    for name in configuration.schedules:
        try:
            for shift in _shifts(configuration, name, now, changes):
                if shift.person == person:
                    calendar.add_component(_event(name, shift, name, now))
        except UNREADABLE:
            continue  # the others are still worth having
    return bytes(calendar.to_ical())


def _shifts(configuration: Configuration, name: str, now: datetime, changes: Changes) -> Iterator[Shift]:
    for n, shift in enumerate(shifts(rosters(configuration)[name], now - BACK, now + AHEAD, changes)):
        if n == MOST:
            return
        yield shift


def _calendar(name: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//irpd//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    return calendar


def _event(schedule: str, shift: Shift, summary: str, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{schedule}-{shift.start:%Y%m%dT%H%M%SZ}@irpd")
    event.add("dtstamp", now)
    event.add("dtstart", shift.start)
    event.add("dtend", shift.end)
    event.add("summary", f"On call: {summary}")
    if shift.override:
        event.add("description", f"Override {shift.override} of {schedule}")
    event.add("transp", "TRANSPARENT")
    return event
