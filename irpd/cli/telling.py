"""``irpd incident update, drafts, approve, withdraw``: messages to audiences."""

from collections.abc import Mapping
from typing import Any

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.incident import NUMBER, example, incident, post, working
from irpd.cli.options import daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.terminal import bold, clean, dim, echo, wrapped
from irpd.cli.times import Shown

_NAMES = {
    "level": "level",
    "stage": "status",
    "services": "services",
    "affected": "users affected",
    "users": "users",
    "impact": "impact",
    "workaround": "workaround",
    "estimated_resolution": "estimated resolution",
}


@incident.command("update")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--to", "to", multiple=True, metavar="AUDIENCE", help="Only these; else all that were told.")
@click.option("--progress", default="", help="What was done since they were told last.")
@click.option("--impact", default="", help="What users notice now; a fact from then on.")
@click.option("--estimated-resolution", metavar="TIME", help="When it is expected to be over: +2h, 15:00.")
@click.option("--draft", is_flag=True, help="Somebody is to approve it first.")
@click.option("--preview", is_flag=True, help="Show what would be sent, and send nothing.")
@tz_option
@working
@example(
    'irpd incident update 42 --progress "failed over" --estimated-resolution +1h\n'
    'irpd incident update 42 --to customers --progress "cards work" --preview'
)
def update(
    number: int,
    to: tuple[str, ...],
    progress: str,
    impact: str,
    estimated_resolution: str | None,
    draft: bool,
    preview: bool,
    tz: str | None,
    **common: Any,
) -> None:
    """Tell audiences how it stands. Once it is over, what became known since is sent as its end."""
    daemon = Daemon(socket=common["socket"], config=common["config"], as_person=common["as_person"])
    reader = Reader(daemon, tz)
    body: dict[str, Any] = {"progress": progress, "to": list(to), "impact": impact, "draft": draft}
    if estimated_resolution:
        body["estimated_resolution"] = reader.instant(estimated_resolution)
    if not preview:
        post(number, "update", body, **common)
        return
    answer = daemon.post(f"/incidents/{number}/preview", body)
    if common["json"]:
        pass_on(answer)
    else:
        echo(messages_text(answer.document["messages"], reader.shown))


@incident.command("drafts")
@click.argument("number", metavar="N", type=NUMBER)
@tz_option
@daemon_options
@example("irpd incident drafts 42")
def drafts(number: int, tz: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """The messages that wait for approval, as they would go out now."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get(f"/incidents/{number}/drafts")
    if json:
        pass_on(answer)
    elif not answer.document["drafts"]:
        echo(["No drafts."])
    else:
        echo(messages_text(answer.document["drafts"], Reader(daemon, tz).shown, number=number))


@incident.command("approve")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("audience")
@working
@example("irpd incident approve 42 customers")
def approve(number: int, audience: str, **common: Any) -> None:
    """Send the draft to this audience, with the facts as they are now."""
    post(number, "approve", {"audience": audience}, **common)


@incident.command("withdraw")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("audience")
@click.option("--because", default="", help="Why.")
@working
@example('irpd incident withdraw 42 customers --because "nobody noticed"')
def withdraw(number: int, audience: str, because: str, **common: Any) -> None:
    """The draft to this audience will not be sent."""
    post(number, "withdraw", {"audience": audience, "because": because}, **common)


def messages_text(messages: list[Mapping[str, Any]], shown: Shown, *, number: int | None = None) -> list[str]:
    """Each message with whom it goes to and what they don't know yet; of drafts the command besides."""
    lines: list[str] = []
    for message in messages:
        lines += [""] if lines else []
        lines += _message(message, shown)
        if number is not None:
            who = shown.people(message["approvers"]) or "anybody"
            said = f"irpd incident approve {number} {message['audience']}"
            lines += wrapped(f"Approve ({who}): {said}", indent=2)
    return lines


def _message(message: Mapping[str, Any], shown: Shown) -> list[str]:
    if "text" not in message:
        return [f"{bold(message['audience'])}  is not in the configuration any more"]
    own = [one for one in message["to"] if one != message["audience"]]
    to = f" ({clean(', '.join(own[:3]))}{f' and {len(own) - 3} more' if len(own) > 3 else ''})" if own else ""
    kind = "a draft" if message["send"] == "draft" else "at once"
    lines = [f"{bold(message['audience'])}{to} by {message['via']}, {kind}"]
    if message["told_at"]:
        what = "; ".join(_change(one, shown) for one in message["changed"]) or "nothing"
        last = f"told last {shown.clock(message['told_at'])} ({shown.until(message['told_at'])})"
        lines += wrapped(dim(f"{last}; changed since: {what}"), indent=2)
    if message["error"]:
        lines += wrapped(
            f"the template can't be filled, the protocol's is used: {clean(message['error'])}", indent=2
        )
    lines += [f"  | {clean(line)}".rstrip() for line in message["text"].rstrip("\n").split("\n")]
    return lines


def _change(change: Mapping[str, Any], shown: Shown) -> str:
    before, after = (_value(change["what"], change[key], shown) for key in ("before", "after"))
    return f"{_NAMES.get(change['what'], change['what'])} {before} -> {after}"


def _value(what: str, value: Any, shown: Shown) -> str:
    if value is None or value == []:
        return "none"
    if what == "estimated_resolution":
        return shown.clock(value)
    return clean(
        ", ".join(map(str, value))
        if isinstance(value, list)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
