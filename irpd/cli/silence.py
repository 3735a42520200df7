"""``irpd silence``: what is muted, by whom, why and how long."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.failure import USAGE, Failed
from irpd.cli.incident import example
from irpd.cli.options import as_option, daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.terminal import bold, clean, counted, echo, table
from irpd.cli.times import Shown


@click.group()
def silence() -> None:
    """Mute signals for a while. Nothing is lost: what still fires at the end is decided again."""


@silence.command("add")
@click.option("--service", multiple=True, help="Of this service; again for any of several.")
@click.option("--source", multiple=True, help="From this source; again for any of several.")
@click.option(
    "--label", "labels", multiple=True, metavar="NAME=VALUE", help="With this label; all names must fit."
)
@click.option("--project", multiple=True, help="Of this project of the sender's.")
@click.option("--until", metavar="TIME", help="Until then: RFC 3339, local (with --tz), +2h.")
@click.option("--for", "span", metavar="DURATION", help="For so long instead: 90m, 2h, 1d.")
@click.option("--because", required=True, help="Why: whoever looks at what is muted reads it.")
@tz_option
@as_option
@daemon_options
@example(
    "irpd silence add --service checkout --for 2h --because 'CHG-1182'\n"
    "irpd silence add --label alertname=BatchLag --for 8h --because reindexing"
)
def add(
    service: tuple[str, ...], source: tuple[str, ...], labels: tuple[str, ...], project: tuple[str, ...],
    until: str | None, span: str | None, because: str, tz: str | None, as_person: str | None,
    socket: str | None, config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """Mute what fits from now on, and what of it fires now. All that is named must fit."""
    if (until is None) == (span is None):
        raise Failed("say how long: --until TIME or --for DURATION", exit_code=USAGE)
    match = _match(labels) | {
        name: list(values)
        for name, values in (("service", service), ("source", source), ("project", project))
        if values
    }
    if not match:
        raise Failed("say what to mute: --service, --source, --label or --project", exit_code=USAGE)
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    reader = Reader(daemon, tz)
    ends = reader.instant(until if until is not None else f"+{span}")
    answer = daemon.post("/silences", {"match": match, "until": ends, "because": because})
    if json:
        pass_on(answer)
        return
    one = answer.document["silence"]
    shown = reader.shown
    muted = f" {counted(one['muting'], 'signal')} that fired {'is' if one['muting'] == 1 else 'are'} muted."
    echo(
        f"Silence {one['id']} mutes {_fits(one['match'])} until {shown.clock(one['until'])} {shown.name}."
        + (muted if one["muting"] else "")
        + f" End it sooner: irpd silence end {one['id']}"
    )


def _match(labels: Sequence[str]) -> dict[str, list[str]]:
    match: dict[str, list[str]] = {}
    for label in labels:
        name, equals, value = label.partition("=")
        if not equals or not name.strip():
            raise Failed(f"{label!r} is no label; write it like job=postgres", exit_code=USAGE)
        match.setdefault(f"labels.{name.strip()}", []).append(value.strip().strip('"'))
    return match


@silence.command("list")
@tz_option
@daemon_options
@example("irpd silence list")
def list_(tz: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Silences, maintenance windows, and the signals that are muted or held, with the reason."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get("/silences")
    if json:
        pass_on(answer)
    else:
        echo(silences_text(answer.document, Reader(daemon, tz).shown))


@silence.command("end")
@click.argument("number", metavar="SILENCE", type=click.IntRange(1))
@click.option("--because", default="", help="Why it is no longer needed.")
@as_option
@daemon_options
@example("irpd silence end 3 --because 'upgrade is done'")
def end(
    number: int, because: str, as_person: str | None, socket: str | None, config: tuple[str, ...], json: bool
) -> None:
    """End a silence now. What it muted and still fires is decided again: it opens and pages."""
    daemon = Daemon(socket=socket, config=config, as_person=as_person)
    answer = daemon.post(f"/silences/{number}/end", {"because": because})
    if json:
        pass_on(answer)
    else:
        echo(clean(answer.document["answer"]["text"]))


def silences_text(document: Mapping[str, Any], shown: Shown) -> list[str]:
    """What ``irpd silence list`` prints."""
    lines: list[str] = []
    if document["silences"]:
        rows = [
            [
                str(one["id"]),
                f"until {shown.clock(one['until'])}" if one["state"] == "holds" else "over",
                counted(one["muting"], "signal"),
                clean(_fits(one["match"])),
                clean(f"{shown.person(one['by'])}: {one['because']}"),
            ]
            for one in document["silences"]
        ]
        lines += [bold("Silences"), *table(rows, flexible=4)]
    if document["windows"]:
        rows = [
            [
                one["id"],
                _when(one, shown),
                counted(one["muting"], "signal"),
                clean(_fits(one["match"]) or "everything"),
                clean(one["because"]),
            ]
            for one in document["windows"]
        ]
        lines += ["", bold("Windows"), *table(rows, flexible=4)]
    if document["waiting"]:
        rows = [
            [
                one["status"],
                one["service"],
                clean(one["title"]),
                f"since {shown.clock(one['since'])}",
                f"until {shown.clock(one['until'])}" if one["until"] else "until that is over",
                clean(_reason(one, shown)),
            ]
            for one in document["waiting"]
        ]
        lines += ["", bold("Signals"), *table(rows, flexible=5)]
        more = document["waiting_total"] - len(rows)
        if more > 0:
            lines.append(f"and {more:,} more")
    if lines and not lines[0]:
        del lines[0]
    return lines or ["Nothing is muted or held."]


def _when(window: Mapping[str, Any], shown: Shown) -> str:
    if window["state"] == "over":
        return "over"
    end = shown.clock(window["to"])
    return f"until {end}" if window["state"] == "holds" else f"{shown.clock(window['from'])} to {end}"


def _reason(one: Mapping[str, Any], shown: Shown) -> str:
    by = one["by"]
    author = f" of {shown.person(by['author'])}" if by["author"] else ""
    kind = {"hold": "rule", "dependency": ""}.get(by["kind"], by["kind"])
    name = f"#{by['name']}" if by["kind"] == "dependency" else by["name"]
    return f"{kind} {name}{author}: {one['because']}".strip()


def _fits(match: Mapping[str, Sequence[str]]) -> str:
    """``service checkout, job=postgres|mysql``."""
    said = []
    for name, values in match.items():
        label = name.removeprefix("labels.")
        any_of = "|".join(value or '""' for value in values)
        said.append(f"{label}={any_of}" if label != name else f"{name} {any_of}")
    return ", ".join(said)
