"""``irpd page`` and ``irpd who``: who is reached, and whether it works."""

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.incident import NUMBER, example
from irpd.cli.oncall import who_text
from irpd.cli.options import as_option, daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.show import pages_text
from irpd.cli.terminal import echo
from irpd.cli.timeline import channels


@click.group()
def page() -> None:
    """Test a person's channels; the ledger of pages."""


@page.command("test")
@click.argument("person")
@as_option
@daemon_options
@example("irpd page test asha")
def test(person: str, as_person: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Page PERSON on all their channels, marked as a test."""
    answer = Daemon(socket=socket, config=config, as_person=as_person).post("/page-tests", {"person": person})
    if json:
        pass_on(answer)
        return
    document = answer.document
    sends = (document.get("page") or {}).get("sends", [])
    by = channels(sends)
    echo(
        f"Test page {document['id']} to {person} by {by}. What became of it: irpd page list --person {person}"
    )


@page.command("list")
@click.option("--person", help="To this person.")
@click.option("--incident", type=NUMBER, metavar="N", help="Of this incident.")
@click.option("--limit", type=click.IntRange(1, 1000), help="At most so many.  [default: 100]")
@tz_option
@daemon_options
@example("irpd page list --incident 42")
def list_(
    person: str | None, incident: int | None, limit: int | None, tz: str | None, socket: str | None,
    config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """The ledger: each page, when it was asked for, and what became of it."""
    chosen = {"person": person, "incident": incident and str(incident), "limit": limit and str(limit)}
    query = {key: value for key, value in chosen.items() if value}
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get("/pages", query)
    if json:
        pass_on(answer)
    else:
        echo(pages_text(answer.document, Reader(daemon, tz).shown))


@click.command()
@click.option("--at", metavar="TIME", help="Then instead of now: RFC 3339, local (with --tz), +2h.")
@tz_option
@daemon_options
@example("irpd who --at '2026-12-24 22:00' --tz Europe/Berlin")
def who(at: str | None, tz: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Who is on call now, until when, and who is next."""
    daemon = Daemon(socket=socket, config=config)
    reader = Reader(daemon, tz)
    answer = daemon.get("/who", {"at": reader.instant(at)} if at else {})
    if json:
        pass_on(answer)
        return
    echo(who_text(answer.document, reader.shown, dated=at is not None))
