"""``irpd report ...``: the post-incident report, its review and its action items."""

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.failure import NO, USAGE, Failed
from irpd.cli.incident import NUMBER, example, post, working
from irpd.cli.journal import reading
from irpd.cli.options import daemon_options, tz_option
from irpd.cli.reader import Reader
from irpd.cli.terminal import bold, clean, echo, table
from irpd.cli.times import Shown

KINDS = ("preventive", "process", "other")


class _Reports(click.Group):
    """``irpd report 42`` is ``irpd report show 42``."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.commands and re.fullmatch(r"#?\d+|https?://.*", args[0]):
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_Reports)
def report() -> None:
    """Post-incident reports. irpd report N shows one."""


@report.command("list")
@tz_option
@daemon_options
@example("irpd report list")
def list_(tz: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """What isn't settled yet: reports, reviews and action items, by when they are due."""
    daemon = Daemon(socket=socket, config=config)
    answer = daemon.get("/reports")
    if json:
        pass_on(answer)
    else:
        echo(reports_text(answer.document, Reader(daemon, tz).shown))


@report.command("show")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--format", "form", type=click.Choice(["md", "html"]), default="md", show_default=True)
@click.option("--journal", type=click.Path(), metavar="FILE", help="Read this journal; needs no daemon.")
@tz_option
@daemon_options
@example("irpd report show 42 --format html > report-42.html\nirpd report 42 --journal irpd.db")
def show(
    number: int,
    form: str,
    journal: str | None,
    tz: str | None,
    socket: str | None,
    config: tuple[str, ...],
    json: bool,
) -> None:
    """The report: what people wrote, and the rest out of the timeline."""
    if journal is not None:
        if json:
            raise Failed("--json needs the daemon; with --journal there are md and html", exit_code=USAGE)
        click.echo(_from_journal(Path(journal), number, form, tz or "UTC"), nl=False)
        return
    daemon = Daemon(socket=socket, config=config)
    zone = {} if tz is None else {"tz": tz}
    if json:
        pass_on(daemon.get(f"/incidents/{number}/report", zone))
    else:
        answer = daemon.get(f"/incidents/{number}/report", {"format": form, **zone})
        click.echo(answer.body.decode(), nl=False)


def _from_journal(path: Path, number: int, form: str, zone: str) -> str:
    from irpd.journal.reader import open_reader
    from irpd.review import report_html, report_markdown, report_on

    def read() -> Any:
        with closing(open_reader(path)) as reader:
            return reader.incident(number), list(reader.facts(subject=f"incident:{number}"))

    stored, facts = reading(path, read)
    if stored is None:
        raise Failed(f"{path}: there is no incident #{number}", exit_code=NO)
    document = report_on(stored[0], facts, zone=zone)
    return report_html(document) if form == "html" else report_markdown(document)


@report.command("edit")
@click.argument("number", metavar="N", type=NUMBER)
@click.option("--section", multiple=True, metavar="NAME", help="Only these.  [default: all]")
@click.option("--file", "source", type=click.File("r", encoding="utf-8"), help="Take the texts from here.")
@working
@example("irpd report edit 42\nirpd report edit 42 --file report.md")
def edit(number: int, section: tuple[str, ...], source: Any, **common: Any) -> None:
    """Write its sections in your editor ($EDITOR). What you leave as it is stays filled by irpd."""
    daemon = Daemon(socket=common["socket"], config=common["config"], as_person=common["as_person"])
    document = daemon.get(f"/incidents/{number}/report").document["report"]
    if document["state"] is None:
        raise Failed(f"#{number} has no report; irpd report ask {number}", exit_code=NO)
    sections = [one for one in document["sections"] if not section or one["id"] in section]
    if not sections:
        known = ", ".join(one["id"] for one in document["sections"])
        raise Failed(f"no such section; there are {known}", exit_code=USAGE)
    before = "".join(f"## {one['title']}\n\n{one['text']}\n\n" for one in sections)
    if source is not None:
        after = source.read(500_000)
    else:
        after = click.edit(before, extension=".md", require_save=True) or ""
    changed = changed_sections(sections, after)
    if not changed:
        echo("Nothing was changed.")
        return
    post(number, "report-write", {"sections": changed, "version": document["version"]}, **common)


def changed_sections(sections: list[Mapping[str, Any]], text: str) -> dict[str, str]:
    """The sections of an edited text that aren't as they were, by their ids. Raises Failed for a heading that
    is none of theirs."""
    ids = {one["title"].casefold(): one["id"] for one in sections}
    was = {one["id"]: one["text"].strip() for one in sections}
    found: dict[str, str] = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        if (id := ids.get(title.strip().casefold())) is None:
            named = ", ".join(one["title"] for one in sections)
            raise Failed(f"no section is called {title.strip()!r}; there are {named}", exit_code=USAGE)
        found[id] = body.strip()
    return {id: body for id, body in found.items() if body != was[id]}


@report.command("ask")
@click.argument("number", metavar="N", type=NUMBER)
@working
@example("irpd report ask 42")
def ask(number: int, **common: Any) -> None:
    """Ask for a report of an incident that needn't have one."""
    post(number, "report-ask", {}, **common)


@report.command("assign")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("person", default="")
@click.option("--due", metavar="TIME", help="By when: +3d, a local time, RFC 3339.")
@tz_option
@working
@example("irpd report assign 42 fay --due +3d")
def assign(number: int, person: str, due: str | None, tz: str | None, **common: Any) -> None:
    """Give it to somebody, or give it more time."""
    body = {"owner": person, "due_at": _time(due, tz, common)}
    post(number, "report-assign", body, **common)


@report.command("review")
@click.argument("number", metavar="N", type=NUMBER)
@working
@example("irpd report review 42")
def review(number: int, **common: Any) -> None:
    """You have read its newest version and find it good; somebody else than its author does that."""
    post(number, "report-review", {}, **common)


@report.command("publish")
@click.argument("number", metavar="N", type=NUMBER)
@working
@example("irpd report publish 42")
def publish(number: int, **common: Any) -> None:
    """Publish the version that was reviewed."""
    post(number, "report-publish", {}, **common)


@report.command("plan")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("at", metavar="TIME")
@tz_option
@working
@example('irpd report plan 42 "2026-12-01 14:00"')
def plan(number: int, at: str, tz: str | None, **common: Any) -> None:
    """Plan the review over it; whoever was involved hears of it."""
    post(number, "review-plan", {"at": _time(at, tz, common)}, **common)


@report.command("held")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("text", default="")
@working
@example('irpd report held 42 "we want a canary for certificates"')
def held(number: int, text: str, **common: Any) -> None:
    """The review was held, and what came of it."""
    post(number, "review-held", {"text": text}, **common)


@report.command("add")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("text")
@click.option("--owner", required=True, metavar="PERSON", help="Who does it.")
@click.option("--due", required=True, metavar="TIME", help="By when: +14d, a local time, RFC 3339.")
@click.option("--kind", type=click.Choice(KINDS), default="preventive", show_default=True)
@tz_option
@working
@example('irpd report add 42 "alert on certificates" --owner asha --due +14d')
def add(number: int, text: str, owner: str, due: str, kind: str, tz: str | None, **common: Any) -> None:
    """Add an action item: a preventive measure, or a process improvement."""
    body = {"text": text, "owner": owner, "due_at": _time(due, tz, common), "kind": kind}
    post(number, "item-add", body, **common)


@report.command("change")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("item", type=click.IntRange(1))
@click.option("--owner", default="", metavar="PERSON", help="Who does it now.")
@click.option("--due", metavar="TIME", help="By when.")
@tz_option
@working
@example("irpd report change 42 1 --owner ben --due +7d")
def change(number: int, item: int, owner: str, due: str | None, tz: str | None, **common: Any) -> None:
    """Give an action item to somebody else, or more time."""
    if not owner and not due:
        raise Failed("say --owner or --due", exit_code=USAGE)
    post(number, "item-change", {"n": item, "owner": owner, "due_at": _time(due, tz, common)}, **common)


@report.command("done")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("item", type=click.IntRange(1))
@click.argument("result", default="")
@working
@example('irpd report done 42 1 "alert CertificateEnds is in force"')
def done(number: int, item: int, result: str, **common: Any) -> None:
    """An action item is done."""
    post(number, "item-end", {"n": item, "result": result}, **common)


@report.command("drop")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("item", type=click.IntRange(1))
@click.option("--because", required=True, help="Why.")
@working
@example('irpd report drop 42 1 --because "PSP-A is gone"')
def drop(number: int, item: int, because: str, **common: Any) -> None:
    """An action item will not be done."""
    post(number, "item-end", {"n": item, "result": because, "dropped": True}, **common)


def _time(text: str | None, tz: str | None, common: Mapping[str, Any]) -> str:
    if not text:
        return ""
    daemon = Daemon(socket=common["socket"], config=common["config"], as_person=common["as_person"])
    return Reader(daemon, tz).instant(text)


def reports_text(document: Mapping[str, Any], shown: Shown) -> list[str]:
    """A line for each report, and one for each open action item below it."""
    lines: list[str] = []
    for one in document["reports"]:
        lines.append(f"{bold(one['ref'])} {clean(one['title'])}")
        due = f"due {shown.clock(one['due_at'])} ({shown.until(one['due_at'])})"
        lines.append(f"  report   {one['state']}, {shown.person(one['owner'])}, {due}")
        if one["review_at"] and not one["review_held_at"]:
            lines.append(f"  review   {shown.clock(one['review_at'])} ({shown.until(one['review_at'])})")
        items = [item for item in one["items"] if item["done_at"] is None]
        rows = [
            [
                f"  item {item['n']}",
                clean(item["text"]),
                shown.person(item["owner"]),
                shown.clock(item["due_at"]),
            ]
            for item in items
        ]
        lines += table(rows, flexible=1) if rows else []
    return lines or ["No report is open."]
