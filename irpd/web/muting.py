"""What is muted and held, and the silences that people set: as the API has it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web
from msgspec import Struct

from irpd.model import command as c
from irpd.model.incident import Member, MemberStatus
from irpd.model.waits import Silence, WaitKind
from irpd.oncall.windows import next_span
from irpd.protocol.silences import SilenceAnswer
from irpd.triage.waiting import WindowRule
from irpd.web.actor import Actor, who_acts
from irpd.web.bodies import read_body
from irpd.web.filters import instant_of
from irpd.web.ports import Services
from irpd.web.problem import answer
from irpd.web.shapes import utc_text
from irpd.web.views import at_or_null

#: Waiting signals in one answer.
SHOWN = 500


class SilenceBody(Struct, forbid_unknown_fields=True):
    match: dict[str, str | list[str]]
    until: str
    because: str


class EndBody(Struct, forbid_unknown_fields=True):
    because: str = ""


class Muting:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def list(self, _request: web.Request, _actor: Actor) -> web.Response:
        """Silences, windows, and the signals that wait (muted or held) with reason and deadline."""
        now = self._services.clock.now()
        state = self._services.engine.state
        waiting = state.waiting
        muting: dict[tuple[WaitKind, str], int] = {}
        for member in waiting:
            if member.waits is not None and member.status is not MemberStatus.RESOLVED:
                of = (member.waits.kind, member.waits.by)
                muting[of] = muting.get(of, 0) + 1
        windows = self._services.engine.policy.ruleset.quieting.windows
        return answer(
            {
                "schema": "irpd.silences/1",
                "silences": [
                    silence_view(one, now, muting.get((WaitKind.SILENCE, str(one.id)), 0))
                    for one in state.silences
                ],
                "windows": [
                    window_view(one, now, muting.get((WaitKind.WINDOW, one.id), 0)) for one in windows
                ],
                "waiting_total": len(waiting),
                "waiting": [waiting_view(member) for member in waiting[:SHOWN]],
            }
        )

    async def add(self, request: web.Request, actor: Actor) -> web.Response:
        """Mute ``match`` (fields like ``service`` and ``labels.job`` with a value or a list) ``until`` then,
        ``because``. What fires now is muted too; what fires at the end is decided again."""
        body = await read_body(request, SilenceBody)
        command = c.AddSilence(
            by=who_acts(actor),
            match={
                name: (value,) if isinstance(value, str) else tuple(value)
                for name, value in body.match.items()
            },
            until=instant_of(body.until, name="until"),
            because=body.because,
        )
        return self._said(await self._services.engine.submit(command), status=201)

    async def end(self, request: web.Request, actor: Actor) -> web.Response:
        """End a silence now: what it muted and still fires is decided again."""
        text = request.match_info["silence"]
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
        body = await read_body(request, EndBody)
        command = c.EndSilence(by=who_acts(actor), silence=number, because=body.because)
        return self._said(await self._services.engine.submit(command))

    def _said(self, result: object, *, status: int = 200) -> web.Response:
        assert isinstance(result, SilenceAnswer)
        return answer(
            {
                "schema": "irpd.silence/1",
                "silence": silence_view(result.silence, self._services.clock.now(), result.muted),
                "answer": {"changed": result.changed, "text": result.text},
            },
            status=status,
        )


def silence_view(silence: Silence, now: datetime, muting: int) -> dict[str, Any]:
    """``muting``: how many signals it mutes that fire."""
    return {
        "id": silence.id,
        "match": match_view(silence.match),
        "by": silence.by,
        "because": silence.because,
        "since": utc_text(silence.since),
        "until": utc_text(silence.until),
        "state": "holds" if silence.until > now else "over",
        "muting": muting,
    }


def match_view(match: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {name: list(values) for name, values in match.items()}


def window_view(rule: WindowRule, now: datetime, muting: int) -> dict[str, Any]:
    """``from`` and ``to`` are of the time that holds or comes next; null when none comes."""
    span = next_span(rule.window, now)
    return {
        "id": rule.id,
        "at": str(rule.place),
        "match": match_view(rule.match.wants),
        "because": rule.because,
        "from": utc_text(span[0]) if span is not None else None,
        "to": utc_text(span[1]) if span is not None else None,
        "state": "over" if span is None else "holds" if span[0] <= now else "comes",
        "muting": muting,
    }


def waiting_view(member: Member) -> dict[str, Any]:
    """``status``: held or muted while it fires, resolved once that was reported."""
    waits = member.waits
    assert waits is not None
    return {
        "signal": member.sid,
        "key": member.key,
        "source": member.source,
        "service": member.service,
        "title": member.title,
        "labels": dict(member.labels),
        "status": member.status.value,
        "count": member.count,
        "first_seen": utc_text(member.first_seen),
        "last_seen": utc_text(member.last_seen),
        "since": utc_text(waits.since),
        "until": at_or_null(waits.until),
        "by": {"kind": waits.kind.value, "name": waits.by, "author": waits.author or None},
        "because": waits.because,
        "reason": waits.reason,
    }
