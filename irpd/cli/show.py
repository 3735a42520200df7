"""Incidents, their reasons and their pages as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from irpd.cli.terminal import bold, clean, counted, cut, dim, fitted, in_level, table, width, wrapped
from irpd.cli.timeline import QUIET, level_by, line
from irpd.cli.times import Shown

Incident = Mapping[str, Any]
SHOWN_EVENTS = 12
_SAID = 26  # the column in which an event's words begin


def incidents_text(document: Mapping[str, Any], shown: Shown) -> list[str]:
    incidents: Sequence[Incident] = document["incidents"]
    if not incidents:
        return ["No incidents."]
    rows = [
        [
            one["ref"],
            str(one["severity"]).upper(),
            one["state"] + (" flapping" if one["flapping"] else ""),
            ",".join(one["services"]),
            ("DRILL " if one["drill"] else "") + clean(one["title"]),
            shown.age(one["opened_at"], one["resolved_at"]),
            shown.people(one["acknowledged_by"]),
        ]
        for one in incidents
    ]
    levels = [(n, one["level"]) for n, one in enumerate(incidents)]
    lines = table(rows, flexible=4, styles=levels)
    if document.get("next_cursor"):
        lines.append(dim(f"More: --cursor {document['next_cursor']}"))
    return lines


def incident_text(
    document: Mapping[str, Any],
    shown: Shown,
    *,
    all_events: bool = False,
    signals: bool = False,
    why: bool = False,
) -> list[str]:
    """As ``irpd incident show`` prints it."""
    one: Incident = document["incident"]
    severity = str(one["severity"]).upper()
    state = _state(one, shown)
    title = cut(clean(one["title"]), max(20, width() - len(one["ref"]) - len(severity) - 3))
    drill = "DRILL " if one["drill"] else ""
    services = ", ".join(one["services"])
    lines = [
        f"{bold(one['ref'])} {drill}{in_level(one['level'], severity)}  {bold(title)}",
        f"{services}   {state}",
    ]
    lines += _due(one, shown)
    lines.append(f"Has it {_has_it(one, shown)}")
    if roles := _roles(one, shown):
        lines += wrapped(f"Roles  {', '.join(roles)}", indent=7)
    for ask in one.get("questions") or ():
        asked = f" ({shown.people(ask['asked'])} is asked)" if ask["asked"] else ""
        lines += wrapped(f"Asked  {ask['id']} {clean(ask['to'])}: {clean(ask['text'])}{asked}", indent=7)
    lines += _told(one, shown)
    lines.append(f"Stage  {one['stage']} since {shown.clock(one['stage_at'])}")
    lines.append(f"Users  {_users(one)}   level {one['level']} by {level_by(one['level_by'], shown)}")
    lines += [f"Path   {_path(run, shown)}" for run in one["paths"]]
    if one["regimes"]:
        lines.append("Regime " + ", ".join(f"{r['name']} ({r['state']})" for r in one["regimes"]))
    if why and one["level_by"].get("because"):
        lines += wrapped(f"Why    {clean(one['level_by']['because'])}", indent=7)
    listed = document.get("signals_list") or []
    counts = one["signals"]
    flapping = ", flapping" if one["flapping"] else ""
    lines.append(f"Signals {counts['firing']} firing, {counts['resolved']} resolved{flapping}")
    if signals:
        lines += table([_signal(s, shown) for s in listed], flexible=3)
    lines += _timeline(document, shown, all_events=all_events)
    return lines


def _due(one: Incident, shown: Shown) -> list[str]:
    """``Due    update by 03:52 (in 3 min), resolution by 07:02 (in 3 h 13 min)``."""
    parts = []
    for objective in one["objectives"]:
        due, state = objective["due_at"], objective["state"]
        if state == "not-needed" and objective["kind"] == "response":
            parts.append("response not needed, it ended by itself")
        if state in ("met", "not-needed"):
            continue
        when = shown.clock(due)
        if state == "missed":
            late = f", {shown.until(due)}" if one["state"] in ("open", "acknowledged") else ""
            parts.append(f"{objective['kind']} MISSED (was due {when}{late})")
        else:
            parts.append(f"{objective['kind']} by {when} ({shown.until(due)})")
    extended = " · extended" if one.get("extended") and parts else ""
    return wrapped(f"Due    {', '.join(parts)}{extended}", indent=7) if parts else []


def _told(one: Incident, shown: Shown) -> list[str]:
    """``Told   team 03:02 (initial), executives 03:21 (update); drafts wait: customers``."""
    told = [
        f"{name} {shown.clock(last['at'])} ({last['template']})"
        for name, last in (one.get("told") or {}).items()
    ]
    waits = f"drafts wait: {', '.join(one['drafts'])}" if one.get("drafts") else ""
    text = "; ".join(part for part in (", ".join(told), waits) if part)
    return wrapped(f"Told   {text}", indent=7) if text else []


def _roles(one: Incident, shown: Shown) -> list[str]:
    """``commander Chi``; who has not said yes yet is marked, and who is asked."""
    accepted, offered = one.get("accepted"), one.get("offered") or {}
    found = []
    for role, who in one["roles"].items():
        asked = offered.get(role)
        unsure = f"; {shown.person(asked)} is asked" if asked and asked != who else ""
        sure = accepted is None or role in accepted or role not in offered
        found.append(f"{role} {shown.person(who)}{'' if sure else f' (not accepted yet{unsure})'}")
    for expert in one.get("experts") or ():
        topic = f" for {clean(expert['topic'])}" if expert["topic"] else ""
        unsure = "" if expert["accepted"] else " (not accepted yet)"
        found.append(f"expert{topic} {shown.person(expert['person'])}{unsure}")
    return found


def _state(one: Incident, shown: Shown) -> str:
    opened = f"({shown.clock(one['opened_at'])} {shown.name})"
    if one["state"] == "merged":
        return f"merged into #{one['merged_into']} {opened}"
    if one["resolved_at"]:
        by = f" by {shown.person(one['resolved_by'])}" if one["resolved_by"] else " by itself"
        took = shown.age(one["opened_at"], one["resolved_at"])
        return f"{one['state']}{by} at {shown.clock(one['resolved_at'])} after {took} {opened}"
    now = "confirm" if one["level"] <= 2 else "it ends by itself"  # levels 3 and 4 need nobody's word
    unconfirmed = f", signals resolved: {now}" if one.get("unconfirmed") else ""
    return f"{one['state']} {shown.age(one['opened_at'])} {opened}{unconfirmed}"


def _has_it(one: Incident, shown: Shown) -> str:
    if not one["acknowledged_by"]:
        return "nobody" + (
            f" (handed on by {shown.people(one['declined_by'])})" if one["declined_by"] else ""
        )
    who = shown.people(one["acknowledged_by"])
    took = shown.age(one["opened_at"], one["acknowledged_at"])
    met = next((o["state"] for o in one["objectives"] if o["kind"] == "response"), "")
    told = f", objective {met}" if met in ("met", "missed") else ""
    return f"{who} (ack {shown.clock(one['acknowledged_at'])}, {took}{told})"


def _users(one: Incident) -> str:
    share = one["share"]
    if not share["known"]:
        return f"{share['affected']:,} affected" if share["affected"] is not None else "share unknown"
    counts = (
        f" ({share['affected']:,} of {share['users']:,})"
        if None not in (share["affected"], share["users"])
        else ""
    )
    method = f" from {share['method']}" if share["method"] else ""
    return f"{share['value'] * 100:.4g} %{counts}{method}"


def _path(run: Mapping[str, Any], shown: Shown) -> str:
    where = "everyone" if run["everyone"] else f"step {run['step']}" if run["step"] else "not begun"
    if run["round"] and run["round"] > 1:
        where += f", round {run['round']}"
    after = f", next at {shown.clock(run['next_at'])}" if run["next_at"] else ""
    return f"{run['name']}: {where}, {run['state']}{after}"


def _signal(signal: Mapping[str, Any], shown: Shown) -> list[str]:
    times = f"{signal['count']}x" if signal["count"] > 1 else ""
    status = signal["status"] + ("~" if signal["flapping"] else "")
    return [
        signal["id"],
        status,
        signal["source"],
        clean(signal["title"]),
        times,
        shown.clock(signal["last_seen"]),
    ]


def _timeline(document: Mapping[str, Any], shown: Shown, *, all_events: bool) -> list[str]:
    events: Sequence[Mapping[str, Any]] = document.get("events") or []
    told = events if all_events else [e for e in events if e["type"] not in QUIET][-SHOWN_EVENTS:]
    lines = [row for event in told for row in fitted(line(event, shown), whole=all_events, indent=_SAID)]
    left_out = int(document.get("events_total") or len(events)) - len(told)
    if left_out > 0:
        lines.append(dim(f"({counted(left_out, 'event')} not shown: --events)"))
    return lines


def why_text(document: Mapping[str, Any], shown: Shown) -> list[str]:
    """The level's history: each decision with its rules."""
    reason = document["level_by"]
    because = f": {clean(reason['because'])}" if reason.get("because") else ""
    level = f"level {document['level']} {document['severity'].upper()}"
    lines = wrapped(f"#{document['incident']} is {level} by {level_by(reason, shown)}{because}")
    for decision in document["decisions"]:
        lines.append("")
        lines.append(
            bold(f"{shown.second(decision['at'])} {decision['type']}: level {decision['level']}")
            + dim(f"  (event {decision['seq']})")
        )
        for text in decision["text"]:
            lines += wrapped("  " + clean(text, stripped=False), indent=16)
    if joined := [j for j in document["joined"] if j["because"]]:
        lines.append("")
        lines += [
            f"{j['signal']}  {cut(clean(j['title']), 40)}  joined: {clean(j['because'])}" for j in joined[:20]
        ]
    return lines


def _came(send: Mapping[str, Any], shown: Shown) -> str:
    """How far one send came and when: ``sms delivered 03:06:44``."""
    at = send.get(f"{send['state']}_at")
    return f"{send['channel']} {send['state']}" + (f" {shown.second(at)}" if at else "")


def pages_text(document: Mapping[str, Any], shown: Shown) -> list[str]:
    rows = []
    for page in document["pages"]:
        sends = ", ".join(dict.fromkeys(_came(send, shown) for send in page["sends"]))
        incident = f"#{page['incident']}" if page["incident"] else page["kind"]
        rows.append(
            [
                page["id"],
                incident,
                shown.second(page["requested_at"]),
                shown.person(page["person"]) if page["person"] else f"to {page['audience']}",
                page["template"] or page["reason"],
                page["state"],
                sends,
            ]
        )
    return table(rows, flexible=6) if rows else ["No pages."]
