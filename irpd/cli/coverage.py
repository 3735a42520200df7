"""``irpd oncall coverage``: who is reached by what after how long, and what the coming weeks leave open."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from irpd.cli.client import Daemon
from irpd.cli.failure import NO, Failed, dump
from irpd.cli.incident import example
from irpd.cli.options import daemon_options, tz_option
from irpd.cli.terminal import bold, echo, table
from irpd.cli.times import Shown, from_to, span, weekday


@click.command("coverage")
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
    lines = [bold(f"{weekday(document['from'], shown)} to {weekday(document['to'], shown)}, {shown.name}")]
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
            [[one["schedule"], *from_to(one, shown), "meant" if one["meant"] else ""]
             for one in document["gaps"]],
            flexible=0,
        )  # fmt: skip
    if document["unreached"]:
        lines += ["", bold("On call and not to be reached; fallback is paged with them")]
        lines += table(
            [[one["schedule"], shown.person(one["person"]), f"level {one['level']}", *from_to(one, shown),
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
    return [*from_to(moment, shown), "; ".join(said) or "NOBODY"]
