"""``irpd oncall override | away | swap``: what people change of who is on call, for a while."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.failure import USAGE, Failed
from irpd.cli.incident import example
from irpd.cli.options import as_option, daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.terminal import clean, echo, table
from irpd.cli.times import Shown, parse_time

F = TypeVar("F", bound=Callable[..., Any])


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


@click.group("override")
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


@click.command("away")
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


@click.command("swap")
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
