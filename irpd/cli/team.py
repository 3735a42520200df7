"""``irpd incident role, accept, decline, ask, answer``: who does what in the response, and help of others."""

from typing import Any

import click

from irpd.cli.incident import NUMBER, example, incident, post, working

ROLES = ["commander", "technical-lead", "communications", "expert"]


@incident.command("role")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("role", type=click.Choice(ROLES))
@click.argument("person", metavar="PERSON")
@click.option("--topic", default="", help="What an expert is for.")
@click.option("--because", default="", help="Why; stands in the page.")
@working
@example(
    'irpd incident role 42 commander dora --because "my shift ends"\n'
    "irpd incident role 42 expert ben --topic database"
)
def role(number: int, role: str, person: str, topic: str, because: str, **common: Any) -> None:
    """Offer a role to somebody, who is paged to accept it. Until then whoever has it keeps it."""
    body = {"role": role, "person": person, "topic": topic, "because": because}
    post(number, "role", body, **common)


@incident.command("accept")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("role", required=False, type=click.Choice(ROLES))
@working
@example("irpd incident accept 42\nirpd incident accept 42 commander")
def accept(number: int, role: str | None, **common: Any) -> None:
    """Accept a role that you were asked to take; without ROLE all of them."""
    post(number, "accept", {"role": role or ""}, **common)


@incident.command("decline")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("role", required=False, type=click.Choice(ROLES))
@working
@example("irpd incident decline 42")
def decline(number: int, role: str | None, **common: Any) -> None:
    """Don't take a role, or give it back: the next is asked."""
    post(number, "decline", {"role": role or ""}, **common)


@incident.command("ask")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("who", metavar="TEAM|PERSON")
@click.argument("question")
@working
@example('irpd incident ask 42 database "is the replica behind?"')
def ask(number: int, who: str, question: str, **common: Any) -> None:
    """Page another team's person on call, or somebody, for help; the next where nobody answers."""
    post(number, "ask", {"who": who, "question": question}, **common)


@incident.command("answer")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("question", metavar="QUESTION", type=click.IntRange(1))
@click.argument("text")
@working
@example('irpd incident answer 42 1 "by four minutes"')
def answer(number: int, question: int, text: str, **common: Any) -> None:
    """Answer question number QUESTION of an incident."""
    post(number, "answer", {"ask": question, "text": text}, **common)
