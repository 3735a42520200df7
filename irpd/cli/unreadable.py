"""``irpd unreadable``: what senders sent and irpd could not read."""

import sys

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.incident import example
from irpd.cli.options import daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.terminal import clean, echo, table


@click.group()
def unreadable() -> None:
    """Reports that could not be read: kept whole until somebody has looked."""


@unreadable.command("list")
@click.option("--source", help="Of this source.")
@tz_option
@daemon_options
@example("irpd unreadable list --source helpdesk")
def list_(
    source: str | None, tz: str | None, socket: str | None, config: tuple[str, ...], json: bool
) -> None:
    """List them, newest first, with what is wrong."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get("/unreadable", {"source": source} if source else {})
    if json:
        pass_on(answer)
        return
    shown = Reader(daemon, tz).shown
    rows = [
        [
            one["id"],
            one["source"],
            shown.second(one["at"]),
            f"{one['bytes']:,} bytes",
            ",".join(f"#{n}" for n in one["incidents"]),
            clean(one["unreadable"] or ""),
        ]
        for one in answer.document["receipts"]
    ]
    echo(table(rows, flexible=5) if rows else "Everything could be read.")


@unreadable.command("show")
@click.argument("receipt")
@daemon_options
@example("irpd unreadable show 17 | less")
def show(receipt: str, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Print the body of receipt RECEIPT, byte for byte; with --json what is known of it."""
    daemon = Daemon(socket=socket, config=config)
    if json:
        pass_on(daemon.get(f"/receipts/{_number(receipt)}"))
        return
    body = daemon.get(f"/receipts/{_number(receipt)}/body").body
    if sys.stdout.isatty():  # a terminal obeys control characters
        text = body.decode("utf-8", "backslashreplace")
        body = "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text).encode()
    sys.stdout.flush()
    sys.stdout.buffer.write(body)


@unreadable.command("replay")
@click.argument("receipt")
@daemon_options
@example("irpd unreadable replay 17")
def replay(receipt: str, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Read it again under the configuration in force; if that helps, it counts as received now."""
    answer = Daemon(socket=socket, config=config).post(f"/unreadable/{_number(receipt)}/replay")
    if json:
        pass_on(answer)
        return
    document = answer.document
    incidents = ", ".join(f"#{n}" for n in document["incidents"] or []) or "decided later"
    left = f" Still not readable: {clean(document['unreadable'])}" if document["unreadable"] else ""
    echo(f"{document['accepted']} accepted ({incidents}).{left}")


def _number(text: str) -> str:
    if not (text.isascii() and text.isdecimal()):
        raise click.UsageError(f"{text!r} is no receipt; irpd unreadable list names them")
    return text
