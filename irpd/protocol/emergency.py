"""The last resort: even when deciding itself is broken, somebody is paged.

Used by the engine when handling a command raised and setting it aside raised too. It
judges nothing, groups nothing and reads as little as it can: one incident at level 2, all
of ``fallback`` paged by every channel they have.
"""

from datetime import timedelta

from irpd.model import event as e
from irpd.model.incident import LevelBy, PathRun, Step
from irpd.model.level import Level
from irpd.model.page import Page, PageKind, Send
from irpd.protocol.draft import Draft

KEY = "irpd/emergency"
EVERY = 900.0


def emergency(draft: Draft, *, command: str, error: str, receipt: int | None, source: str) -> int:
    """Record what happened and page ``fallback``; returns the incident's number."""
    draft.emit_about(
        "engine", e.CommandSetAside(command=command, error=error[:500], receipt=receipt, source=source)
    )
    configuration, rows, now = draft.configuration, draft.rows, draft.now
    text = f"{command} of {source or 'irpd'}: {error}"[:2000]
    sid = rows.sid_of(KEY)
    member = rows.member(sid) if sid is not None else None
    incident = rows.incident(member.incident) if member is not None else None
    if incident is not None and incident.state.active:
        draft.emit(incident.number, e.Noted(text=text, source="irpd"))
        return incident.number
    number = rows.counter("incident") + 1
    title = "irpd could not handle a report; look at once"
    draft.emit(
        number,
        e.Opened(
            number=number,
            title=title,
            services=(configuration.unmapped,),
            level=Level.HIGH,
            level_by=LevelBy(kind="fallback", because="deciding itself failed"),
            evidence_level=Level.HIGH,
            source="irpd",
            detected_by="irpd",
            config=draft.policy.hash,
        ),
    )
    draft.emit(
        number,
        e.SignalJoined(
            sid=rows.counter("sid") + 1, n=1, key=KEY, source="irpd", title=title,
            service=configuration.unmapped, text=text, why="deciding itself failed",
        ),
    )  # fmt: skip
    persons = configuration.fallback
    run = PathRun(
        name="fallback",
        kind="technical",
        steps=tuple(Step(person=person, wait=EVERY) for person in persons),
        repeat=1,
        every=EVERY,
        fired=len(persons),
        next_at=now + timedelta(seconds=EVERY),
        started_at=now,
    )
    draft.emit(number, e.PathStarted(run=run, because="deciding itself failed"))
    for n, person in enumerate(persons, start=1):
        draft.emit(
            number,
            e.Paged(
                page=Page(
                    id=f"{number}-{n}",
                    incident=number,
                    person=person,
                    kind=PageKind.PAGE,
                    reason="fallback",
                    requested_at=now,
                    dated=True,
                    expires_at=now + timedelta(hours=4),
                    sends=tuple(
                        Send(n=i, channel=channel, due_at=now)
                        for i, channel in enumerate(configuration.channels, start=1)
                    ),
                    path="fallback",
                )
            ),
        )
    return number
