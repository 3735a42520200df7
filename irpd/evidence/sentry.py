"""What Sentry says of issues, against what irpd believes.

Written against Sentry's web API of 2026: ``GET /api/0/organizations/{org}/issues/``, ``.../issues/{id}/``.
Facts that decide what is here:

* A webhook that was not taken never comes again, so that a resolved may be missing for ever.
* A webhook's count of users is that of its moment and is never sent again when it grows.
* An issue that nobody touched is unresolved for years, so that only those can have been missed that were
  first seen since the last look, or came back since: were resolved or archived, and are unresolved again.
  What is called ``regressed`` or ``escalating`` stays so for days; since when stands in its ``activity``.

What is found goes in as the webhook of the resource ``issue`` that should have come, with a remark.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from irpd.evidence.alertmanager import time_of
from irpd.evidence.ask import Http, NoAnswer, Refused

#: Issues that one look takes of each kind at most, newest first.
MOST = 100
#: What a body carries of an issue: what intake reads.
_FIELDS = (
    "id", "shortId", "title", "culprit", "level", "status", "substatus", "priority", "project", "metadata",
    "platform", "logger", "issueCategory", "assignedTo", "firstSeen", "lastSeen", "count", "userCount",
    "permalink",
)  # fmt: skip
_CAME_BACK = ("set_regression", "set_escalating", "set_unresolved")
_ACTIONS = {"unresolved": "unresolved", "resolved": "resolved", "ignored": "ignored"}
HEADERS: Mapping[str, str] = {"Sentry-Hook-Resource": "issue"}


async def issue(server: Http, organization: str, number: str) -> Mapping[str, Any] | None:
    """One issue; None when it is gone. Raises NoAnswer."""
    try:
        found = await server.get(f"/api/0/organizations/{quote(organization)}/issues/{quote(number)}/")
    except Refused as error:
        if error.status == 404:
            return None
        raise
    if not isinstance(found, dict) or str(found.get("id")) != number:
        raise NoAnswer("this is not Sentry's answer about the issue")
    return found


async def new_issues(server: Http, organization: str, since: datetime) -> list[Mapping[str, Any]]:
    """Unresolved issues that were first seen after ``since``. Raises NoAnswer."""
    query = f"is:unresolved firstSeen:>{since.strftime('%Y-%m-%dT%H:%M:%S')}"
    return await _listed(server, organization, query, "new")


async def _listed(server: Http, organization: str, query: str, sort: str) -> list[Mapping[str, Any]]:
    found = await server.get(
        f"/api/0/organizations/{quote(organization)}/issues/",
        {"query": query, "sort": sort, "limit": str(MOST)},
    )
    if not isinstance(found, list):
        raise NoAnswer("this is not Sentry's answer: a list of issues was expected")
    return [one for one in found if isinstance(one, dict) and one.get("id")]


async def back_again(server: Http, organization: str, since: datetime) -> list[Mapping[str, Any]]:
    """Issues that had an event after ``since`` and are called regressed or escalating, which old servers have
    no word for. Raises NoAnswer."""
    found: list[Mapping[str, Any]] = []
    for substatus in ("regressed", "escalating"):
        query = f"is:{substatus} lastSeen:>{since.strftime('%Y-%m-%dT%H:%M:%S')}"
        try:
            found += await _listed(server, organization, query, "date")
        except Refused as error:
            if error.status != 400:
                raise
    return found


def came_back(found: Mapping[str, Any]) -> datetime | None:
    """When it last became unresolved again; None where its history says nothing of that."""
    activity = found.get("activity")
    times = [
        at
        for one in (activity if isinstance(activity, list) else ())
        if isinstance(one, dict) and one.get("type") in _CAME_BACK and (at := time_of(one.get("dateCreated")))
    ]
    return max(times, default=None)


def over(found: Mapping[str, Any] | None) -> bool:
    """Whether the issue is one that nobody is to be bothered with any more."""
    return found is None or found.get("status") in ("resolved", "ignored")


def count(found: Mapping[str, Any]) -> int | None:
    """How many users it counts."""
    users = found.get("userCount")
    return users if isinstance(users, int) and not isinstance(users, bool) and users > 0 else None


def body(found: Mapping[str, Any], *, note: str, created: bool = False) -> bytes:
    """The webhook that says so."""
    action = "created" if created else _ACTIONS.get(str(found.get("status")), "unresolved")
    kept = {name: found[name] for name in _FIELDS if found.get(name) is not None}
    return json.dumps({"action": action, "irpd_note": note, "data": {"issue": kept}}).encode()


def gone(number: str, title: str) -> Mapping[str, Any]:
    """What stands for an issue that Sentry no longer has."""
    return {"id": number, "title": title, "status": "resolved"}


def numbers(keys: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The keys that are of issues, with the issues' numbers."""
    for key in keys:
        kind, colon, number = key.partition(":")
        if kind == "issue" and colon and number.isdecimal():
            yield key, number
