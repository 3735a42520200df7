"""One event of an incident's timeline as one line for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from irpd.cli.terminal import clean, cut
from irpd.cli.times import Shown

Event = Mapping[str, Any]

#: Bookkeeping that says nothing to a person who looks at an incident.
QUIET = frozenset(
    {
        "signal-changed",
        "path-moved",
        "page-seen",
        "share-measured",
        "time-passed",
        "send-brought-forward",
        "page-ended",
    }
)


def line(event: Event, shown: Shown) -> str:
    """``03:06:40 acknowledged  asha, by link``."""
    told = event["type"] == "paged" and event["page"].get("notice")
    kind = "told" if told else event["type"]
    return clean(f"{shown.second(event['at'])} {kind:<16} {said(event, shown)}")


def level_by(reason: Mapping[str, Any], shown: Shown) -> str:
    """Which rule, which person, or what kind of reason."""
    return str(reason.get("rule") or shown.person(reason.get("person")) or reason.get("kind") or "")


def channels(sends: Sequence[Mapping[str, Any]]) -> str:
    """By what a page goes, each channel once: it may be due several times."""
    return ", ".join(dict.fromkeys(str(send["channel"]) for send in sends))


def answered(answer: Mapping[str, Any]) -> str:
    """``checkout: 900 affected, 1,000 users``."""
    named = (("affected", "affected"), ("users", "users"))
    counts = [f"{answer[key]:,} {word}" for key, word in named if answer.get(key) is not None]
    return f"{answer['service']}: {', '.join(counts)}"


def share(found: Mapping[str, Any]) -> str:
    """``2 % of users (2,400 of 120,000) by label``."""
    if found.get("numerator") is None or not found.get("denominator"):
        return "share of users not known"
    counts = ""
    if found.get("affected") is not None:
        users = f" of {found['users']:,}" if found.get("users") is not None else ""
        counts = f" ({found['affected']:,}{users})"
    method = f" by {clean(found['method'])}" if found.get("method") else ""
    return f"{found['numerator'] * 100 / found['denominator']:.3g} % of users{counts}{method}"


def message(page: Mapping[str, Any]) -> str:
    """A message to an audience: ``executives (board@example.com) by mail (initial, 42-3)``."""
    notice = page["notice"]
    own = [clean(send["to"]) for send in page["sends"] if send["to"] != notice["audience"]]
    to = f" ({cut(', '.join(own), 100)})" if own else ""
    return f"{notice['audience']}{to} by {channels(page['sends'])} ({notice['template']}, {page['id']})"


def role(event: Event) -> str:
    """``commander``, ``expert for database``."""
    topic = f" for {clean(event['topic'])}" if event.get("topic") else ""
    return f"{clean(str(event['role'])).partition('/')[0]}{topic}"


def said(event: Event, shown: Shown) -> str:
    signal = event.get("signal") or ""
    by = f"by {shown.person(event['by'])}" if event.get("by") else ""
    because = f": {cut(clean(event['because']), 160)}" if event.get("because") else ""
    match event["type"]:
        case "opened":
            opener = f" {by}" if event.get("level_by", {}).get("person") != event.get("by") else ""
            return f"level {event['level']} by {level_by(event.get('level_by') or {}, shown)}{opener}"
        case "acknowledged" | "declined":
            via = f", by {event['via']}" if event.get("via") else ""
            return f"{shown.person(event['by'])}{via}"
        case (
            "acknowledgement-lapsed"
            | "acknowledgement-stale"
            | "path-stopped"
            | "path-resumed"
            | "path-started"
        ):
            run = event.get("run") or {}
            return f"{event.get('path') or run.get('name') or ''}{because}".strip(": ")
        case "level-changed":
            reason = event.get("level_by") or {}
            why = f": {clean(reason['because'])}" if reason.get("because") else ""
            before, after = event["before"], event["after"]
            what = f"{after} confirmed" if before == after else f"{before} to {after}"
            return f"{what} by {level_by(reason, shown)}{why}"
        case "evidence-exceeded":
            return f"evidence for level {event['level']}"
        case "time-passed":
            return f"open for {event['minutes']} min: rules are asked again"
        case "evidence-eased":
            level = event.get("level")
            return f"evidence asks for level {level} only{because}" if level else "evidence asks for it again"
        case "users-answered":
            return answered(event["answer"])
        case "share-measured":
            return share(event.get("share") or {})
        case "paged":
            page = event["page"]
            if page.get("notice"):
                return message(page)
            person = shown.person(page["person"])
            return f"{person} by {channels(page['sends'])} ({page['reason']}, {page['id']})"
        case "send-attempted":
            detail = f": {cut(clean(event['detail']), 120)}" if event.get("detail") else ""
            return f"{event['page']}.{event['send']} {event['state']} (attempt {event['attempt']}){detail}"
        case "send-confirmed":
            detail = f": {cut(clean(event['detail']), 120)}" if event.get("detail") else ""
            return f"{event['page']}.{event['send']} {event['word']} by the provider's word{detail}"
        case "signal-joined":
            return f"{signal} {event['source']} {event['title']}"
        case "signal-fired" | "signal-resolved" | "signal-muted" | "signal-stale":
            return f"{signal}{because}"
        case "signal-flapping":
            return f"{signal} {'began' if event.get('flapping') else 'stable again'}"
        case "signal-moved":
            if not event["out_of"]:
                return f"{signal} {cut(clean(event.get('why') or ''), 160)}"
            return f"{signal} out of #{event['out_of']} {by}"
        case "signal-left":
            return f"{signal} to #{event['into']} {by}"
        case "merged":
            return f"into #{event['into']} {by}"
        case "drafted":
            notice, who = event["notice"], shown.people(event.get("approvers") or [])
            waits = f", for {who} to approve" if who else ""
            return " ".join(f"{notice['template']} to {notice['audience']} {by}".split()) + waits
        case "draft-approved" | "draft-withdrawn":
            return f"{event['audience']} {by}{because}"
        case "noted":
            who = shown.person(event.get("by")) or event.get("source") or ""
            return f"{who}: {cut(clean(event.get('text') or ''), 200)}"
        case "stage-changed":
            return f"{event['before']} to {event['after']} {by}{because}"
        case "item-done":
            return f"{event['item']}: {cut(clean(event.get('result') or event['title']), 160)} {by}"
        case "item-set-aside":
            return f"{event['item']} set aside {by}{because}"
        case "action-taken":
            result = f" -> {cut(clean(event['result']), 120)}" if event.get("result") else ""
            return f"{shown.person(event['by'])}: {cut(clean(event['text']), 160)}{result}"
        case "decision-made":
            why = f"; because {cut(clean(event['because']), 160)}"
            return f"{shown.person(event['by'])}: {cut(clean(event['text']), 160)}{why}"
        case "facts-set":
            times = {name: at and shown.clock(at) for name, at in (event.get("times") or {}).items()}
            facts = {**(event.get("texts") or {}), **times}
            told = ", ".join(f"{name}={cut(clean(text or ''), 60)}" for name, text in facts.items())
            return f"{told} {by}"
        case "report-asked" | "report-assigned":
            return f"{shown.person(event['owner'])}, due {shown.clock(event['due_at'])} {by}"
        case "report-written" | "report-reviewed" | "report-published":
            return f"version {event['version']} {by}"
        case "review-planned":
            return f"for {shown.clock(event['at'])} {by}" if event.get("at") else by
        case "review-held":
            return f"{by}: {cut(clean(event.get('text') or ''), 160)}"
        case "action-item-added":
            return f"{event['n']}: {cut(clean(event['text']), 120)} ({shown.person(event['owner'])})"
        case "action-item-changed" | "action-item-ended":
            what = "dropped" if event.get("dropped") else cut(clean(event.get("result") or ""), 120)
            return f"{event['n']} {what} {by}"
        case "reminded":
            return f"{event['what']}: {shown.people(event['persons'])}"
        case "role-offered":
            whom, what = shown.person(event["person"]), role(event)
            return f"{whom} as {what}{' ' + by if by else ''}{because}"
        case "role-accepted" | "role-declined":
            return f"{shown.person(event['by'])}, {role(event)}"
        case "role-vacant" | "role-kept":
            return f"{role(event)}{because}"
        case "help-asked":
            whom = shown.people(event.get("persons") or ())
            asked = f" ({whom} is paged)" if whom else ""
            question = cut(clean(event["question"]), 160)
            return f"{event['ask']} {clean(event['who'])} by {shown.person(event['by'])}: {question}{asked}"
        case "help-passed-on":
            return f"{event['ask']} {shown.people(event.get('persons') or ()) or 'nobody is left'}{because}"
        case "help-taken":
            return f"{event['ask']} {by}"
        case "help-answered":
            return f"{event['ask']} {shown.person(event['by'])}: {cut(clean(event['text']), 200)}"
        case "objective-warned":
            return f"{event['objective']} due {shown.clock(event['due_at'])}"
        case "objective-missed":
            often = f", {event['times']} times" if event.get("times", 1) > 1 else ""
            return f"{event['objective']} was due {shown.clock(event['due_at'])}{often}"
        case "update-chased":
            return shown.people(event.get("persons") or ()) or "its paths page already"
        case "updated":
            clock = (event.get("objectives") or {}).get("update") or {}
            then = f", next due {shown.clock(clock['due_at'])}" if clock.get("due_at") else ""
            return f"{by}{then}".strip(", ")
        case "extended":
            return "past its resolution target"
        case "response-missed":
            return f"no answer by {shown.clock(event['due_at'])}"
        case "page-ended":
            return f"{event['page']}{because}"
        case _:
            return f"{by}{because}".strip(": ")
