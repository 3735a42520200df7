"""``irpd ack``: the short one, for three in the morning."""

from typing import Any

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.failure import NO
from irpd.cli.incident import NUMBER, example, post, working
from irpd.cli.terminal import echo


@click.command()
@click.argument("number", metavar="[N]", type=NUMBER, required=False)
@working
@example("irpd ack\nirpd ack 42 --as asha")
def ack(number: int | None, **common: Any) -> None:
    """Acknowledge incident N; without N everything that is paged to you."""
    if number is not None:
        post(number, "ack", {}, **common)
        return
    json = common.pop("json")
    answer = Daemon(**common).post("/ack")
    if json:
        pass_on(answer)
    document = answer.document
    if not json:
        said = [one["text"] for one in document["answers"]]
        echo(said or f"Nothing is paged to {document['person']}.")
    if not document["incidents"]:
        raise click.exceptions.Exit(NO)
