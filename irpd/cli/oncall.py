"""``irpd oncall``: who is on call when, and what people change of it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.failure import NO, USAGE, Failed, dump, or_from_files
from irpd.cli.incident import example
from irpd.cli.options import as_option, daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.terminal import bold, clean, counted, echo, table
from irpd.cli.times import Shown, parse_time, span

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def oncall() -> None:
    """Schedules: who is on call when, overrides, swaps, coverage."""


def files_option(function: F) -> F:
    return click.option(
        "--files", is_flag=True, help="Read the files instead of asking the daemon: no overrides."
    )(function)


# ------------------------------------------------------------------ looking
@oncall.command("who")
@click.option("--at", metavar="TIME", help="Then instead of now: RFC 3339, local (with --tz), +2h.")
@files_option
@tz_option
@daemon_options
@example("irpd oncall who --at '2026-12-24 22:00' --tz Europe/Berlin\nirpd oncall who --files -c config/")
def who(
    at: str | None, files: bool, tz: str | None, socket: str | None, config: tuple[str, ...], json: bool
) -> None:
    """Who is on call now or then, until when, and who is next."""
    if files:
        from irpd.cli.files import loaded_or_failed
        from irpd.oncall.documents import who_document

        configuration = loaded_or_failed(config).configuration
        zone = tz or configuration.server.time_zone
        then = parse_time(at or "now", zone=zone, now=datetime.now(UTC))
        document = who_document(configuration, then)
        names = {name: person.name for name, person in configuration.people.items()}
        if json:
            click.echo(dump(document), nl=False)
        else:
            echo(who_text(document, Shown(zone, names=names), dated=at is not None))
        return
    daemon = Daemon(socket=socket, config=config)
    with or_from_files():
        answer = daemon.get("/who", {"at": Reader(daemon, tz).instant(at)} if at else {})
    reader = Reader(daemon, tz)
    if json:
        pass_on(answer)
    else:
        echo(who_text(answer.document, reader.shown, dated=at is not None))


def who_text(document: Mapping[str, Any], shown: Shown, *, dated: bool) -> list[str]:
    """What ``irpd who`` and ``irpd oncall who`` print."""
    lines = [f"At {shown.clock(document['at'])} {shown.name} ({document['at']})"] if dated else []
    rows = []
    for schedule in document["schedules"]:
        after = schedule["next"]
        person = clean(schedule["person_name"] or "nobody: fallback is paged")
        if override := schedule.get("override"):
            person += f" (override {override})"
        until = f"until {shown.clock(schedule['until'])}" if schedule["until"] else ""
        then = f"then {clean(after['person_name'])}" if after else ""
        rows.append([schedule["name"], person, until, then])
    rows.append(["fallback", shown.people(document["fallback"]), "always", ""])
    return [*lines, *table(rows, flexible=1)]


@oncall.command("show")
@click.argument("schedule")
@click.option("--weeks", type=click.IntRange(1, 53), default=4, show_default=True, help="How far ahead.")
@click.option("--from", "start", metavar="TIME", help="From then on instead of now.")
@files_option
@tz_option
@daemon_options
@example("irpd oncall show first-responder --weeks 8\nirpd oncall show first-responder --files -c config/")
def show(
    schedule: str, weeks: int, start: str | None, files: bool, tz: str | None, socket: str | None,
    config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """The final shifts of SCHEDULE: who has the coming weeks, gaps, and the load on each person."""
    if files:
        from irpd.cli.files import loaded_or_failed
        from irpd.oncall.documents import UNREADABLE, schedule_document

        configuration = loaded_or_failed(config).configuration
        if schedule not in configuration.schedules:
            names = ", ".join(configuration.schedules)
            raise Failed(f"there is no schedule {schedule!r} ({names})", exit_code=NO, code="not-found")
        at = parse_time(start or "now", zone=tz or configuration.server.time_zone, now=datetime.now(UTC))
        try:
            document: Mapping[str, Any] = schedule_document(configuration, schedule, at, weeks)
        except UNREADABLE as error:
            raise Failed(f"{schedule} can't be read: {error}", exit_code=NO) from None
        if json:
            click.echo(dump(document), nl=False)
            return
    else:
        daemon = Daemon(socket=socket, config=config)
        query = {"weeks": str(weeks)}
        with or_from_files():
            if start:
                query["from"] = Reader(daemon, tz).instant(start)
            answer = daemon.get(f"/schedules/{schedule}", query)
        if json:
            pass_on(answer)
            return
        document = answer.document
    echo(schedule_text(document, Shown(tz or document["time_zone"])))


def schedule_text(document: Mapping[str, Any], shown: Shown) -> list[str]:
    """What ``irpd oncall show`` prints: in order, with gaps and changes of the clocks between the shifts."""
    rows: list[tuple[str, list[str]]] = []
    for shift in document["shifts"]:
        by = f"override {shift['override']}" if shift["override"] else ""
        rows.append((shift["from"], [*_times(shift, shown), clean(shift["person_name"]), by]))
    rows += [
        (gap["from"], [*_times(gap, shown), "NOBODY: fallback is paged", ""]) for gap in document["gaps"]
    ]
    for change in document["clock_changes"]:
        minutes = change["by_minutes"]
        said = f"clocks go {'forward' if minutes > 0 else 'back'} {abs(minutes)} min"
        rows.append((change["at"], [_weekday(change["at"], shown), "", said, ""]))
    lines = [bold(f"{document['schedule']}, times in {shown.name}")]
    lines += table([row for _, row in sorted(rows)], flexible=2)
    if document["load"]:
        load = [
            [clean(one["person_name"]), f"{one['hours']:g} h", counted(one["nights"], "night"),
             counted(one["weekends"], "weekend")]
            for one in document["load"]
        ]  # fmt: skip
        lines += ["", bold("Load"), *table(load, flexible=0)]
    return lines


def _times(one: Mapping[str, Any], shown: Shown) -> tuple[str, str]:
    return _weekday(one["from"], shown), f"to {_weekday(one['to'], shown)}"


def _weekday(text: str, shown: Shown) -> str:
    return f"{datetime.fromisoformat(text).astimezone(shown.zone):%a %Y-%m-%d %H:%M}"


@oncall.command("coverage")
@click.option("--weeks", type=click.IntRange(1, 53), default=8, show_default=True, help="How far ahead.")
@click.option("--service", "services", multiple=True, help="Only this service's paths; may be repeated.")
@click.option("--level", type=click.IntRange(1, 4), help="Only this level.  [default: 1 to 3]")
@click.option("--moments", is_flag=True, help="Every stretch of time, with who is reached and how.")
@tz_option
@daemon_options
@example("irpd oncall coverage -c config/\nirpd oncall coverage --service checkout --level 1 --moments")
def coverage(
    weeks: int, services: tuple[str, ...], level: int | None, moments: bool, tz: str | None,
    socket: str | None, config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """Who is reached by which channel after how many minutes, for every moment of the coming weeks. Read
    from the files; overrides are asked of the daemon where one runs. Exit status 1 if something is open."""
    from irpd.check.report import coverage_document
    from irpd.cli.files import contacts_known, loaded_or_failed
    from irpd.oncall.documents import UNREADABLE

    configuration = loaded_or_failed(config).configuration
    for name in services:
        if name not in configuration.services:
            there = ", ".join(configuration.services)
            raise Failed(f"there is no service {name!r} ({there})", exit_code=NO, code="not-found")
    levels = (level,) if level else (1, 2, 3)
    made = _overrides(socket, config)
    try:
        document = coverage_document(
            configuration, datetime.now(UTC), weeks, made, services=services, levels=levels,
            contacts=contacts_known(configuration, config, None),
        )  # fmt: skip
    except UNREADABLE as error:
        raise Failed(f"a schedule can't be read (irpd check says which): {error}", exit_code=NO) from None
    if json:
        click.echo(dump(document), nl=False)
    else:
        called = {id: someone.name for id, someone in configuration.people.items()}
        echo(coverage_text(document, Shown(tz or configuration.server.time_zone, names=called), moments))
    if document["open"]:
        raise click.exceptions.Exit(NO)


def _overrides(socket: str | None, config: tuple[str, ...]) -> Any:
    """What people changed, as a running daemon knows it; nothing where none answers, which is said."""
    from irpd.model.override import Override
    from irpd.oncall.changes import NONE, changes

    try:
        document = Daemon(socket=socket, config=config).get("/overrides").document
    except Failed:
        click.echo("No daemon answers: overrides that people set are not looked at.", err=True)
        return NONE
    return changes(
        Override(
            id=one["id"], since=datetime.fromisoformat(one["from"]), until=datetime.fromisoformat(one["to"]),
            by=one["by"], schedule=one["schedule"] or "", person=one["person"] or "", away=one["away"] or "",
        )
        for one in document["overrides"]
    )  # fmt: skip


def coverage_text(document: Mapping[str, Any], shown: Shown, moments: bool) -> list[str]:
    """What ``irpd oncall coverage`` prints."""
    lines = [bold(f"{_weekday(document['from'], shown)} to {_weekday(document['to'], shown)}, {shown.name}")]
    rows = []
    for one in document["paths"]:
        first = one["first_after_seconds"]
        said = "reaches NOBODY at times" if one["unreached"] else f"somebody within {span(first or 0)}"
        late = f"comes late to {shown.people(one['late'])}" if one["late"] else ""
        rows.append([one["path"], ", ".join(one["services"]), one["severity"], said, late])
    lines += table(rows, flexible=1)
    if moments:
        for one in document["paths"]:
            lines += ["", bold(f"{one['path']}, {one['severity']}")]
            lines += table([_moment(moment, shown) for moment in one["moments"]], flexible=2)
    if document["gaps"]:
        lines += ["", bold("Nobody on call; fallback is paged")]
        lines += table(
            [[one["schedule"], *_times(one, shown), "meant" if one["meant"] else ""]
             for one in document["gaps"]],
            flexible=0,
        )  # fmt: skip
    if document["unreached"]:
        lines += ["", bold("On call and not to be reached; fallback is paged with them")]
        lines += table(
            [[one["schedule"], shown.person(one["person"]), f"level {one['level']}", *_times(one, shown),
              "meant" if one["meant"] else ""] for one in document["unreached"]],
            flexible=1,
        )  # fmt: skip
    lines += ["", "Nothing is open." if not document["open"] else bold("Open")]
    return [*lines, *document["open"]]


def _moment(moment: Mapping[str, Any], shown: Shown) -> list[str]:
    said = [
        f"{span(one['after_seconds']) if one['after_seconds'] else 'now'} {shown.person(one['person'])}"
        f"{' (fallback)' if one['fallback'] else ''} {', '.join(one['via'])}"
        f"{' (late)' if one['late'] else ''}"
        for one in moment["reached"]
    ]
    return [*_times(moment, shown), "; ".join(said) or "NOBODY"]


@oncall.command("export")
@click.argument("schedule", required=False)
@click.option("--person", help="This person's shifts on all schedules instead.")
@click.option("--address", is_flag=True, help="Print the secret address for calendar programs instead.")
@files_option
@daemon_options
@example("irpd oncall export first-responder > shifts.ics\nirpd oncall export --person asha --address")
def export(
    schedule: str | None, person: str | None, address: bool, files: bool, socket: str | None,
    config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """Shifts as iCalendar: those of SCHEDULE, or of a person. Whoever has the address can read them."""
    if (schedule is None) == (person is None):
        raise Failed("name a schedule, or a person with --person", exit_code=USAGE)
    if files:
        if address:
            raise Failed("only the daemon knows the address: leave out --files", exit_code=USAGE)
        click.echo(_calendar(schedule, person, config), nl=False)
        return
    query = {"person": person} if person is not None else {"schedule": schedule or ""}
    with or_from_files():
        answer = Daemon(socket=socket, config=config).get("/calendar", query)
    if json:
        pass_on(answer)
    else:
        document = answer.document
        click.echo(f"{document['address']}\n" if address else document["ical"], nl=False)


def _calendar(schedule: str | None, person: str | None, config: tuple[str, ...]) -> bytes:
    from irpd.cli.files import loaded_or_failed
    from irpd.comms.calendar import person_calendar, schedule_calendar
    from irpd.oncall.documents import UNREADABLE

    configuration = loaded_or_failed(config).configuration
    kind, name, there = "schedule", schedule or "", configuration.schedules.keys()
    if person is not None:
        kind, name, there = "person", person, configuration.people.keys()
    if name not in there:
        raise Failed(f"there is no {kind} {name!r} ({', '.join(there)})", exit_code=NO, code="not-found")
    make = person_calendar if person is not None else schedule_calendar
    try:
        return make(configuration, name, datetime.now(UTC))
    except UNREADABLE as error:
        raise Failed(f"{name} can't be read: {error}", exit_code=NO) from None


# ------------------------------------------------------------------ overrides
def _while_options(command: F) -> F:
    """From when until when, and why."""
    for option in (
        click.option("--because", default="", help="Why."),
        click.option("--for", "span", metavar="DURATION", help="For so long instead: 90m, 8h, 2d."),
        click.option("--until", metavar="TIME", help="Until then: RFC 3339, local (with --tz), +8h."),
        click.option("--from", "since", metavar="TIME", help="From then on.  [default: now]"),
    ):
        command = option(command)
    return command


@oncall.group("override")
def override() -> None:
    """Put somebody else on call for a while, or nobody of those who would be."""


@override.command("add")
@click.argument("schedule")
@click.option("--person", default="", help="Who is on call instead; without it the layer below, or the next.")
@_while_options
@tz_option
@as_option
@daemon_options
@example("irpd oncall override add first-responder --person chi --for 12h")
def add(
    schedule: str, person: str, since: str | None, until: str | None, span: str | None, because: str,
    tz: str | None, as_person: str | None, socket: str | None, config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """Change who is on call on SCHEDULE for a while. The files stay as they are."""
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    times = _span(Reader(daemon, tz), since, until, span)
    body = {"schedule": schedule, "person": person, "because": because, **times}
    _said(daemon.post("/overrides", body), json)


@oncall.command("away")
@click.argument("person")
@_while_options
@tz_option
@as_option
@daemon_options
@example("irpd oncall away asha --from '2026-12-24 18:00' --for 10d --because leave")
def away(
    person: str, since: str | None, until: str | None, span: str | None, because: str, tz: str | None,
    as_person: str | None, socket: str | None, config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """PERSON isn't there: on every schedule the layer below is, else the next in turn."""
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    times = _span(Reader(daemon, tz), since, until, span)
    _said(daemon.post("/overrides", {"away": person, "because": because, **times}), json)


@override.command("list")
@tz_option
@daemon_options
@example("irpd oncall override list")
def list_(tz: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Overrides and absences that hold, come, or are over."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get("/overrides")
    if json:
        pass_on(answer)
        return
    shown = Reader(daemon, tz).shown
    rows = [
        [str(one["id"]), one["state"], one["schedule"] or "every schedule", _who(one, shown),
         f"{shown.clock(one['from'])} to {shown.clock(one['to'])}",
         clean(f"{shown.person(one['by'])}: {one['because']}" if one["because"] else shown.person(one["by"]))]
        for one in answer.document["overrides"]
    ]  # fmt: skip
    echo(table(rows, flexible=5) or "No overrides.")


@override.command("end")
@click.argument("number", metavar="OVERRIDE", type=click.IntRange(1))
@click.option("--because", default="", help="Why.")
@as_option
@daemon_options
@example("irpd oncall override end 3")
def end(
    number: int, because: str, as_person: str | None, socket: str | None, config: tuple[str, ...], json: bool
) -> None:
    """End an override now, or call it off before it begins."""
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    _said(daemon.post(f"/overrides/{number}/end", {"because": because}), json)


@oncall.command("swap")
@click.argument("schedule")
@click.argument("first", metavar="TIME")
@click.argument("second", metavar="OTHER_TIME")
@click.option("--because", default="", help="Why.")
@tz_option
@as_option
@daemon_options
@example("irpd oncall swap first-responder '2026-12-24 12:00' '2027-01-02 12:00'")
def swap(
    schedule: str, first: str, second: str, because: str, tz: str | None, as_person: str | None,
    socket: str | None, config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """Swap two shifts of SCHEDULE: the one at TIME with the one at OTHER_TIME."""
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    reader = Reader(daemon, tz)
    body = {"schedule": schedule, "first": reader.instant(first), "second": reader.instant(second)}
    _said(daemon.post("/swaps", {**body, "because": because}), json)


def _span(reader: Reader, since: str | None, until: str | None, span: str | None) -> dict[str, str]:
    if (until is None) == (span is None):
        raise Failed("say how long: --until TIME or --for DURATION", exit_code=USAGE)
    times = {"since": reader.instant(since)} if since else {}
    if until is not None:
        return {**times, "until": reader.instant(until)}
    begin = datetime.fromisoformat(times["since"]) if times else datetime.now(UTC)
    ends = parse_time(f"+{span}", zone=reader.zone, now=begin)
    return {**times, "until": ends.isoformat(timespec="seconds").replace("+00:00", "Z")}


def _who(one: Mapping[str, Any], shown: Shown) -> str:
    if one["away"]:
        return f"{shown.person(one['away'])} is away"
    return shown.person(one["person"]) or "not who would be"


def _said(answer: Any, json: bool) -> None:
    if json:
        pass_on(answer)
    else:
        echo(clean(answer.document["answer"]["text"]))
