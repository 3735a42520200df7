"""``irpd incident todo, stage, done, ...``: the protocol, worked through."""

from collections.abc import Mapping
from typing import Any

import click

from irpd.cli import team as _team  # noqa: F401 - its commands are of this group too
from irpd.cli import telling as _telling  # noqa: F401 - its commands are of this group too
from irpd.cli.client import Daemon, pass_on
from irpd.cli.failure import USAGE, Failed
from irpd.cli.incident import NUMBER, example, incident, post, rationale, working
from irpd.cli.options import daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.terminal import bold, clean, cut, dim, echo, in_level, width, wrapped
from irpd.cli.times import Shown

STAGES = ["detection", "triage", "investigation", "containment", "resolution", "recovery"]


@incident.command("todo")
@click.argument("number", metavar="N", type=NUMBER)
@tz_option
@daemon_options
@example("irpd incident todo 42")
def todo(number: int, tz: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """What is to be done now, by whom, and the command that does it."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get(f"/incidents/{number}/todo")
    if json:
        pass_on(answer)
    else:
        echo(todo_text(answer.document, Reader(daemon, tz).shown))


def todo_text(document: Mapping[str, Any], shown: Shown) -> list[str]:
    """The tasks with their commands, then where the stage may go."""
    one = document["incident"]
    severity = str(one["severity"]).upper()
    title = cut(clean(one["title"]), max(20, width() - len(one["ref"]) - len(severity) - 3))
    lines = [
        f"{bold(one['ref'])} {in_level(one['level'], severity)}  {bold(title)}",
        f"stage: {one['stage']} since {shown.clock(one['stage_at'])}   {one['state']}",
    ]
    tasks = document["tasks"]
    if not tasks:
        lines.append("Nothing to do in this stage.")
    for task in tasks:
        lines.append("")
        lines += _task(task, one, shown)
        if task["id"] == "level":
            lines += _levels(document["levels"], one["level"])
    if moves := document["moves"]:
        lines.append("")
        lines.append(f"Then: irpd incident stage {one['id']} {' | '.join(moves)}")
    return lines


def _task(task: Mapping[str, Any], one: Mapping[str, Any], shown: Shown) -> list[str]:
    who = shown.people(task["persons"])
    role = task["role"].replace("-", " ")
    by = f" by {shown.clock(task['due_at'])} ({shown.until(task['due_at'])})" if task["due_at"] else ""
    of = "" if task["stage"] == one["stage"] else f", of {task['stage']}"
    says = dim(f"({role}{': ' + who if who and who.lower() != role else ''}{of})")
    return [*wrapped(f"- {clean(task['title'])}{by}  {says}", indent=2), f"    {clean(task['command'])}"]


def _levels(levels: list[Mapping[str, Any]], now: int) -> list[str]:
    """What the levels are recognised by and what they mean, one below the other."""
    lines = []
    for level in levels:
        mark = ">" if level["level"] == now else " "
        lines += wrapped(
            f"  {mark} {level['level']} {level['severity']}: {'; '.join(level['characteristics'])}. "
            f"Impact: {level['impact']}.",
            indent=6,
        )
    return lines


@incident.command("stage")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("stage", type=click.Choice(STAGES))
@click.option("--because", default="", help="Why.")
@click.option(
    "--set-aside", "aside", default="", metavar="WHY", help="Set aside what is open, for this reason."
)
@working
@example("irpd incident stage 42 containment")
def stage_(number: int, stage: str, because: str, aside: str, **common: Any) -> None:
    """Move it to another stage. What this one still asks for stands in the way (irpd incident todo N)."""
    post(number, "stage", {"stage": stage, "because": because, "aside": aside}, **common)


@incident.command("done")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("item")
@click.argument("result", default="")
@working
@example('irpd incident done 42 root-cause "the certificate of PSP-A expired"')
def done(number: int, item: str, result: str, **common: Any) -> None:
    """An item of the checklist is done, with its result."""
    post(number, "done", {"item": item, "result": result}, **common)


@incident.command("set-aside")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("item")
@click.option("--because", default="", help="Why; asked for on a terminal.")
@working
@example('irpd incident set-aside 42 isolation --because "it is one process"')
def set_aside(number: int, item: str, because: str, **common: Any) -> None:
    """An item will not be done, and why."""
    because = because or rationale("Why is it set aside?")
    post(number, "set-aside", {"item": item, "because": because}, **common)


@incident.command("action")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("text")
@click.option("--result", default="", help="What came of it.")
@working
@example('irpd incident action 42 "restarted pay-2" --result "its errors are gone"')
def action(number: int, text: str, result: str, **common: Any) -> None:
    """Record what was done and what came of it."""
    post(number, "action", {"text": text, "result": result}, **common)


@incident.command("decide")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("text")
@click.option("--because", default="", help="Why; asked for on a terminal.")
@working
@example('irpd incident decide 42 "fail over to PSP-B" --because "refunds work there"')
def decide(number: int, text: str, because: str, **common: Any) -> None:
    """Record what was decided, and why."""
    because = because or rationale("Why was it decided so?")
    post(number, "decide", {"text": text, "because": because}, **common)


#: Facts that are times; ``+2h`` and local times are read before they are sent.
TIMES = ("estimated-resolution", "impact-from", "impact-to")


@incident.command("set")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("facts", metavar="NAME=VALUE...", nargs=-1, required=True)
@tz_option
@working
@example(
    'irpd incident set 42 estimated-resolution=+2h workaround="pay by invoice"\nirpd incident set 42 scope='
)
def set_(number: int, facts: tuple[str, ...], tz: str | None, **common: Any) -> None:
    """Say what is known; nothing after = takes it back.

    NAME is root-cause, affected-systems, scope, impact, workaround, resolution, prevention, detected-by
    (monitoring, user-report, direct-communication, internal-testing, audit), or a time:
    estimated-resolution, impact-from, impact-to.
    """
    said: dict[str, str | None] = {}
    reader = Reader(
        Daemon(socket=common["socket"], config=common["config"], as_person=common["as_person"]), tz
    )
    for fact in facts:
        name, equals, value = fact.partition("=")
        if not equals:
            raise Failed(f"{fact!r} is no NAME=VALUE", exit_code=USAGE)
        said[name] = reader.instant(value) if name in TIMES and value else value or None
    post(number, "set", {"facts": said}, **common)


@incident.command("close")
@click.argument("number", metavar="N", type=NUMBER)
@working
@example("irpd incident close 42")
def close(number: int, **common: Any) -> None:
    """End the watch over what is resolved: what fires again is another incident."""
    post(number, "close", {}, **common)
