"""``irpd page`` and ``irpd who``: who is reached, and whether it works."""

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.incident import NUMBER, example
from irpd.cli.oncall import who_text
from irpd.cli.options import as_option, daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.show import pages_text
from irpd.cli.terminal import clean, echo, table
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


@page.command("verify")
@click.argument("person")
@click.option("--via", default="", metavar="CHANNEL", help="Only this channel.  [default: each of theirs]")
@as_option
@daemon_options
@example("irpd page verify asha\nirpd page verify asha --via sms")
def verify(
    person: str, via: str, as_person: str | None, socket: str | None, config: tuple[str, ...], json: bool
) -> None:
    """Ask PERSON to confirm that what irpd sends reaches them: a message by each of their channels, with a
    link or button to press, and a code to type."""
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    answer = daemon.post(f"/contacts/{person}/verify", {"via": via})
    if json:
        pass_on(answer)
        return
    echo(clean(answer.document["answer"]["text"]))
    echo("They press its link or button, answer it, or type: irpd page confirm CODE --as " + person)


@page.command("confirm")
@click.argument("code")
@as_option
@daemon_options
@example("irpd page confirm 482915 --as asha")
def confirm(
    code: str, as_person: str | None, socket: str | None, config: tuple[str, ...], json: bool
) -> None:
    """Confirm one of your addresses by the CODE in the message that asked you to."""
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    answer = daemon.post("/contacts/confirm", {"code": code})
    if json:
        pass_on(answer)
    else:
        echo(clean(answer.document["answer"]["text"]))


@page.command("contacts")
@click.option("--person", help="Only this person's.")
@tz_option
@daemon_options
@example("irpd page contacts --person asha")
def contacts(
    person: str | None, tz: str | None, socket: str | None, config: tuple[str, ...], json: bool
) -> None:
    """By what each person is reached, and whether they have confirmed it."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get("/contacts", {"person": person} if person else {})
    if json:
        pass_on(answer)
        return
    shown = Reader(daemon, tz).shown
    rows = [
        [clean(shown.person(one["person"])), one["channel"], one["state"],
         shown.clock(at) if (at := one["verified_at"] or one["asked_at"]) else ""]
        for one in answer.document["contacts"]
    ]  # fmt: skip
    echo(table(rows, flexible=0) or "Nobody has an address that could be confirmed.")


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
