"""``irpd oncall``: who is on call when. What people change of it is in ``overrides``."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.coverage import coverage
from irpd.cli.failure import NO, USAGE, Failed, dump, or_from_files
from irpd.cli.incident import example
from irpd.cli.options import daemon_options, tz_option
from irpd.cli.overrides import away, override, swap
from irpd.cli.reader import Reader
from irpd.cli.terminal import bold, clean, counted, echo, table
from irpd.cli.times import Shown, from_to, parse_time, weekday

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
        rows.append((shift["from"], [*from_to(shift, shown), clean(shift["person_name"]), by]))
    rows += [
        (gap["from"], [*from_to(gap, shown), "NOBODY: fallback is paged", ""]) for gap in document["gaps"]
    ]
    for change in document["clock_changes"]:
        minutes = change["by_minutes"]
        said = f"clocks go {'forward' if minutes > 0 else 'back'} {abs(minutes)} min"
        rows.append((change["at"], [weekday(change["at"], shown), "", said, ""]))
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


@oncall.command("export")
@click.argument("schedule", required=False)
@click.option("--person", help="This person's shifts on all schedules instead.")
@click.option("--address", is_flag=True, help="Print the secret address for calendar programs instead.")
@click.option("--page", is_flag=True, help="Print the secret address of a page for browsers instead.")
@files_option
@daemon_options
@example("irpd oncall export first-responder > shifts.ics\nirpd oncall export --person asha --page")
def export(
    schedule: str | None, person: str | None, address: bool, page: bool, files: bool, socket: str | None,
    config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """Shifts as iCalendar: those of SCHEDULE, or of a person; or where calendar programs and browsers find
    them. Whoever has such an address can read them."""
    if (schedule is None) == (person is None):
        raise Failed("name a schedule, or a person with --person", exit_code=USAGE)
    if files:
        if address or page:
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
        told = document["address"] if address else document["page"] if page else ""
        click.echo(f"{told}\n" if told else document["ical"], nl=False)


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


for command in (coverage, override, away, swap):
    oncall.add_command(command)
