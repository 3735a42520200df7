"""One event of an incident's timeline as one line for people."""

from collections.abc import Mapping
from typing import Any

from irpd.cli.terminal import clean, cut
from irpd.cli.times import Shown

Event = Mapping[str, Any]

#: Bookkeeping that says nothing to a person who looks at an incident.
QUIET = frozenset(
    {"signal-changed", "path-moved", "page-seen", "share-measured", "send-brought-forward", "page-ended"}
)


def line(event: Event, shown: Shown) -> str:
    """``03:06:40 acknowledged  asha, by link``."""
    what = f"{shown.second(event['at'])} {event['type']:<16} {said(event)}"
    return clean(what)


def said(event: Event) -> str:
    signal = event.get("signal") or ""
    by = f"by {event['by']}" if event.get("by") else ""
    because = f": {cut(clean(event['because']), 160)}" if event.get("because") else ""
    match event["type"]:
        case "opened":
            level_by = event.get("level_by") or {}
            reason = level_by.get("rule") or level_by.get("person") or level_by.get("kind") or ""
            return f"level {event['level']} by {reason} {by}"
        case "acknowledged" | "declined":
            via = f", by {event['via']}" if event.get("via") else ""
            return f"{event['by']}{via}"
        case "acknowledgement-lapsed" | "path-stopped" | "path-resumed" | "path-started":
            run = event.get("run") or {}
            return f"{event.get('path') or run.get('name') or ''}{because}".strip(": ")
        case "level-changed":
            level_by = event.get("level_by") or {}
            reason = level_by.get("rule") or level_by.get("person") or level_by.get("kind") or ""
            why = f": {clean(level_by['because'])}" if level_by.get("because") else ""
            return f"{event['before']} to {event['after']} by {reason}{why}"
        case "evidence-exceeded":
            return f"evidence for level {event['level']}"
        case "paged":
            page = event["page"]
            channels = ", ".join(send["channel"] for send in page["sends"])
            return f"{page['person']} by {channels} ({page['reason']}, {page['id']})"
        case "send-attempted":
            detail = f": {cut(clean(event['detail']), 120)}" if event.get("detail") else ""
            return f"{event['page']}.{event['send']} {event['state']} (attempt {event['attempt']}){detail}"
        case "signal-joined":
            return f"{signal} {event['source']} {event['title']}"
        case "signal-fired" | "signal-resolved" | "signal-muted" | "signal-stale":
            return f"{signal}{because}"
        case "signal-flapping":
            return f"{signal} {'began' if event.get('flapping') else 'stable again'}"
        case "signal-moved":
            return f"{signal} out of #{event['out_of']} {by}"
        case "signal-left":
            return f"{signal} to #{event['into']} {by}"
        case "merged":
            return f"into #{event['into']} {by}"
        case "noted":
            return (
                f"{event.get('by') or event.get('source') or ''}: {cut(clean(event.get('text') or ''), 200)}"
            )
        case "response-missed":
            return f"no answer by {event['due_at']}"
        case "page-ended":
            return f"{event['page']}{because}"
        case _:
            return f"{by}{because}".strip(": ")
