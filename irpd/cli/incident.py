"""``irpd incident ...``: look at incidents and work on them."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from irpd.cli.client import Answer, Daemon, pass_on
from irpd.cli.failure import NO, USAGE, Failed
from irpd.cli.options import as_option, daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.show import SHOWN_EVENTS, incident_text, incidents_text, why_text
from irpd.cli.terminal import echo

F = TypeVar("F", bound=Callable[..., Any])

LEVELS = ["1", "2", "3", "4", "critical", "high", "medium", "low"]


class Number(click.ParamType[int]):
    """An incident: ``42``, ``#42`` or its address."""

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).rstrip("/").rpartition("/")[2].removeprefix("#")
        if text.isascii() and text.isdecimal() and len(text) < 16:
            return int(text)
        raise click.BadParameter(f"{value!r} is no incident; write 42, #42 or its address", ctx, param)


NUMBER = Number()


def example(text: str) -> Callable[[F], F]:
    """Put an example under the help of a command."""

    def decorate(function: F) -> F:
        lines = "\n".join(f"  {line}" for line in text.splitlines())
        function.__doc__ = f"{function.__doc__}\n\n    \b\n    Example:\n" + "\n".join(
            f"    {line}" for line in lines.splitlines()
        )
        return function

    return decorate


@click.group()
def incident() -> None:
    """List, show and work on incidents. N is 42, #42 or an address."""


# ------------------------------------------------------------------ looking
@incident.command("list")
@click.option("--state", help="open, acknowledged, resolved, closed, merged, all; with commas.")
@click.option("--level", help="1-4 or names; with commas.")
@click.option("--service", help="Of these services; with commas.")
@click.option("--since", metavar="TIME", help="Opened since: RFC 3339, local, -2h.")
@click.option("--mine", is_flag=True, help="That you have.")
@click.option("--drill/--no-drill", default=None, help="Only drills, or none.")
@click.option("--limit", type=click.IntRange(1, 500), help="At most so many.  [default: 100]")
@click.option("--cursor", help="Go on from there.")
@tz_option
@as_option
@daemon_options
@example("irpd incident list --level critical,high --since -12h")
def list_(
    state: str | None,
    level: str | None,
    service: str | None,
    since: str | None,
    mine: bool,
    drill: bool | None,
    limit: int | None,
    cursor: str | None,
    tz: str | None,
    as_person: str | None,
    socket: str | None,
    config: tuple[str, ...],
    json: bool,
) -> None:
    """List incidents, newest first; those still worked on unless --state says else."""
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    reader = Reader(daemon, tz)
    query = {"state": state or "open,acknowledged"}
    if since:
        query["since"] = reader.instant(since)
    chosen = {"level": level, "service": service, "cursor": cursor, "limit": limit and str(limit)}
    query |= {key: value for key, value in chosen.items() if value}
    if mine:
        query["mine"] = "1"
    if drill is not None:
        query["drill"] = "1" if drill else "0"
    answer = daemon.get("/incidents", query)
    if json:
        pass_on(answer)
    else:
        echo(incidents_text(answer.document, reader.shown))


@incident.command("show")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--events", is_flag=True, help="The whole timeline.")
@click.option("--signals", is_flag=True, help="Every signal.")
@click.option("--why", is_flag=True, help="Why its level is what it is.")
@tz_option
@daemon_options
@example("irpd incident show 42 --signals")
def show(
    number: int,
    events: bool,
    signals: bool,
    why: bool,
    tz: str | None,
    socket: str | None,
    config: tuple[str, ...],
    json: bool,
) -> None:
    """Show an incident: who has it, its users, its path, its timeline."""
    daemon = Daemon(socket=socket, config=config)
    if json:
        wanted = {"signals": signals, "events": events}
        pass_on(daemon.get(f"/incidents/{number}", {key: "1" for key, yes in wanted.items() if yes}))
        return
    query = {"events": "1"} | ({"signals": "1"} if signals else {})
    if not events:
        query["newest"] = str(SHOWN_EVENTS * 5)  # enough that as many of them are worth showing
    document = daemon.get(f"/incidents/{number}", query).document
    shown = Reader(daemon, tz).shown
    echo(incident_text(document, shown, all_events=events, signals=signals, why=why))
    if why:
        echo("")
        echo(why_text(daemon.get(f"/incidents/{number}/why").document, shown))


@incident.command("why")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--event", metavar="E", help="Only the decision of this event.")
@tz_option
@daemon_options
@example("irpd incident why 42")
def why_(
    number: int, event: str | None, tz: str | None, socket: str | None, config: tuple[str, ...], json: bool
) -> None:
    """Why an incident has its level: each decision, rule by rule."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get(f"/incidents/{number}/why", {"event": event} if event else {})
    if json:
        pass_on(answer)
    else:
        echo(why_text(answer.document, Reader(daemon, tz).shown))


# ------------------------------------------------------------------ working
def tell(answer: Answer, *, json: bool) -> None:
    """What a command came to, in one line."""
    if json:
        pass_on(answer)
        return
    document = answer.document
    echo(
        document.get("answer", {}).get("text")
        or f"{document['incident']['ref']} is {document['incident']['state']}."
    )


def post(
    number: int,
    verb: str,
    body: Mapping[str, Any],
    *,
    socket: str | None,
    config: tuple[str, ...],
    as_person: str | None,
    json: bool,
) -> None:
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    tell(daemon.post(f"/incidents/{number}/{verb}", body), json=json)


def working(function: F) -> F:
    return daemon_options(as_option(function))


@incident.command("open")
@click.argument("title")
@click.option("--service", required=True, help="What is affected.")
@click.option("--level", type=click.Choice(LEVELS), help="How bad.  [default: 2]")
@click.option("--because", default="", help="Why this level.")
@click.option("--text", default="", help="What is known.")
@working
@example('irpd incident open "Payments look slow" --service checkout --level 2')
def open_(
    title: str, service: str, level: str | None, because: str, text: str, json: bool, **common: Any
) -> None:
    """Open an incident by hand; its service's path is paged."""
    body: dict[str, Any] = {"title": title, "service": service, "because": because, "text": text}
    if level:
        body["level"] = level
    tell(Daemon(**common).post("/incidents", body), json=json)


@incident.command("ack")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--path", default="", metavar="PATH", help="Only this path; else those that asked you, or all.")
@working
@example("irpd incident ack 42\nirpd incident ack 42 --path business")
def ack_(number: int, path: str, **common: Any) -> None:
    """I have it: paging stops."""
    post(number, "ack", {"path": path} if path else {}, **common)


@incident.command("cant")
@click.argument("number", metavar="N", type=NUMBER)
@working
@example("irpd incident cant 42")
def cant(number: int, **common: Any) -> None:
    """I can't: the next person is paged at once."""
    post(number, "cant", {}, **common)


@incident.command("undo")
@click.argument("number", metavar="N", type=NUMBER)
@working
@example("irpd incident undo 42")
def undo(number: int, **common: Any) -> None:
    """Take your acknowledgement back: paging goes on at once."""
    post(number, "undo", {}, **common)


@incident.command("escalate")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--path", help="Start this path: business, customers, ...")
@click.option("--because", default="", help="Why.")
@working
@example("irpd incident escalate 42 --path business")
def escalate(number: int, path: str | None, because: str, **common: Any) -> None:
    """Page the next step now, or start another path."""
    post(number, "escalate", {"path": path, "because": because}, **common)


@incident.command("level")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("level", type=click.Choice(LEVELS))
@click.option("--because", default="", help="Why; asked for on a terminal.")
@working
@example('irpd incident level 42 critical --because "cards fail in all countries"')
def level_(number: int, level: str, because: str, **common: Any) -> None:
    """Set the level. A person's word stands until a person changes it."""
    post(
        number, "level", {"level": level, "because": because or rationale("Why is it this level?")}, **common
    )


@incident.command("note")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("text")
@click.option("--update", is_flag=True, help="They were told: the next update is due anew.")
@working
@example('irpd incident note 42 "failed over to PSP-B"')
def note(number: int, text: str, update: bool, **common: Any) -> None:
    """Write into the timeline. TEXT - reads standard input."""
    if text == "-":
        text = sys.stdin.read(200_000)
    post(number, "note", {"text": text} | ({"update": True} if update else {}), **common)


@incident.command("resolve")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--because", default="", help="What it was.")
@working
@example('irpd incident resolve 42 --because "rolled back 1182"')
def resolve(number: int, because: str, **common: Any) -> None:
    """It is over: nobody is paged any more."""
    post(number, "resolve", {"because": because}, **common)


@incident.command("reopen")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--because", default="", help="Why.")
@working
@example('irpd incident reopen 42 --because "it is back"')
def reopen(number: int, because: str, **common: Any) -> None:
    """It is not over: its path begins again."""
    post(number, "reopen", {"because": because}, **common)


@incident.command("merge")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--into", required=True, metavar="N", type=NUMBER, help="The incident that goes on.")
@working
@example("irpd incident merge 43 --into 42")
def merge(number: int, into: int, **common: Any) -> None:
    """All its signals go into another incident."""
    post(number, "merge", {"into": into}, **common)


@incident.command("split")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("signals", metavar="SIGNAL...", nargs=-1, required=True)
@working
@example("irpd incident split 42 42.3 42.4")
def split(number: int, signals: tuple[str, ...], **common: Any) -> None:
    """Signals leave for an incident of their own."""
    post(number, "split", {"signals": list(signals)}, **common)


def rationale(question: str) -> str:
    """Ask a person why; elsewhere --because is needed."""
    if not sys.stdin.isatty():
        raise Failed("--because is needed: say why", exit_code=USAGE)
    text = str(click.prompt(question, err=True)).strip()
    if not text:
        raise Failed("without a reason it is not done", exit_code=NO)
    return text
