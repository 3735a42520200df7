"""``irpd shadow compare``: what irpd would have paged, beside what the old pager did."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from irpd.cli.failure import NO, USAGE, Failed, dump
from irpd.cli.incident import example
from irpd.cli.journal import journal_option
from irpd.cli.options import config_option, json_option, tz_option
from irpd.cli.terminal import bold, clean, counted, echo, table
from irpd.cli.times import Shown, parse_time

if TYPE_CHECKING:
    from irpd.config.values import Configuration
    from irpd.rehearsal.shadow import Comparison, Paged

_SHOWN = 20


@click.group()
def shadow() -> None:
    """Shadow mode: how irpd's pages compare with the old pager's."""


@shadow.command("compare")
@click.option(
    "--with", "other", required=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE",
    help="What the old pager paged: CSV with a head line, or a JSON object a line: time, person, what.",
)  # fmt: skip
@click.option("--from", "begin", metavar="TIME", help="Pages from then.  [default: the file's first]")
@click.option("--to", "end", metavar="TIME", help="And until then.  [default: the file's last]")
@click.option("--within", default=10, show_default=True, type=click.IntRange(0, 1440), metavar="MINUTES",
              help="So far apart two pages of one person may be and count as the same.")  # fmt: skip
@click.option("--every", is_flag=True, help="Count also irpd's further pages to a person about an incident.")
@click.option("--all", "all_pages", is_flag=True, help="Show every page that only one of them had.")
@journal_option
@tz_option
@config_option
@json_option
@example("irpd shadow compare --with old-pager.csv --from 2026-11-16T00:00:00Z")
def compare_(
    other: str, begin: str | None, end: str | None, within: int, every: bool, all_pages: bool,
    journal: str | None, tz: str | None, config: tuple[str, ...], json: bool,
) -> None:  # fmt: skip
    """Which pages both had, only irpd, only the old pager: by person and by hour where they live.

    Reads the journal and writes nothing; the daemon may run meanwhile. People in the file are known by
    their id, name, e-mail address or login. Times that name no zone are read in --tz. Exit status 1 when
    the old pager paged somebody whom irpd would not have.
    """
    from irpd.cli.files import journal_path, loaded_or_failed
    from irpd.engine.ports import JournalError
    from irpd.journal.reader import open_reader
    from irpd.rehearsal.shadow import NotReadable, compare, read_pages, would_have

    configuration = loaded_or_failed(config).configuration
    zone = tz or configuration.server.time_zone
    now = datetime.now(UTC)

    def when(text: str) -> datetime:
        try:
            return parse_time(text, zone=zone, now=now)
        except Failed as error:
            raise ValueError(str(error)) from None

    try:
        with open(other, encoding="utf-8", errors="replace", newline="") as stream:
            theirs = read_pages(stream.read(), when)
    except NotReadable as error:
        raise Failed(f"{other}: {error}", exit_code=USAGE) from None
    tolerance = timedelta(minutes=within)
    times = sorted(page.at for page in theirs)
    since = parse_time(begin, zone=zone, now=now) if begin else times[0] - tolerance if times else now
    until = parse_time(end, zone=zone, now=now) if end else times[-1] + tolerance if times else now
    if since > until:
        raise Failed("--from is not before --to", exit_code=USAGE)
    path = journal_path(config, journal)
    try:
        reader = open_reader(path)
        try:
            ours = would_have(reader.facts(), since=since, until=until, every=every)
        finally:
            reader.close()
    except JournalError as error:
        raise Failed(f"{path}: {error}", exit_code=NO, code="journal") from None
    theirs = [page for page in theirs if since <= page.at <= until]
    done = compare(ours, theirs, configuration, tolerance=tolerance)
    if json:
        click.echo(dump(_document(done, configuration, since, until)), nl=False)
    else:
        names = {name: person.name for name, person in configuration.people.items()}
        echo(_text(done, configuration, Shown(zone, now, names=names), None if all_pages else _SHOWN))
    if done.only_other or done.strangers:
        raise click.exceptions.Exit(NO)


def _text(done: "Comparison", configuration: "Configuration", shown: Shown, most: int | None) -> list[str]:
    from irpd.rehearsal.shadow import by_hour, by_person

    head = ["", "both", "only irpd", "only the old one"]
    people = [
        [clean(shown.person(person)), *map(str, counts)]
        for person, counts in sorted(by_person(done).items(), key=lambda item: -sum(item[1]))
    ]
    total = ["together", str(len(done.both)), str(len(done.only_irpd)), str(len(done.only_other))]
    hours = [
        [f"{hour:02d}:00", *map(str, counts), "night" if hour >= 22 or hour < 7 else ""]
        for hour, counts in by_hour(done, configuration).items()
    ]
    lines = [*table([head, *people, total], flexible=0)]
    if hours:
        lines += ["", bold("By hour, where each person lives"), *table([[*head, ""], *hours], flexible=0)]
    for title, pages in (("Only irpd", done.only_irpd), ("Only the old one", done.only_other)):
        if pages:
            rows = [[shown.clock(_utc(page)), clean(shown.person(page.person)), clean(page.what)]
                    for page in pages[:most]]  # fmt: skip
            lines += ["", bold(title), *table(rows, flexible=2)]
            if len(rows) < len(pages):
                lines.append(f"and {len(pages) - len(rows):,} more: --all")
    if done.strangers:
        lines += ["", bold("People of the old pager whom irpd doesn't know")]
        lines += [f"{clean(name)}: {counted(n, 'page')}" for name, n in done.strangers.items()]
    return lines


def _utc(page: "Paged") -> str:
    return page.at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _document(
    done: "Comparison", configuration: "Configuration", since: datetime, until: datetime
) -> dict[str, Any]:
    from irpd.rehearsal.shadow import by_hour, by_person

    def view(page: "Paged") -> dict[str, str | None]:
        return {"at": _utc(page), "person": page.person, "what": page.what or None}

    def counts(one: tuple[int, int, int]) -> dict[str, int]:
        return dict(zip(("both", "only_irpd", "only_other"), one, strict=True))

    return {
        "schema": "irpd.shadow-comparison/1",
        "from": since.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "to": until.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "people": {person: counts(one) for person, one in sorted(by_person(done).items())},
        "hours": {str(hour): counts(one) for hour, one in by_hour(done, configuration).items()},
        "both": [{"irpd": view(one), "other": view(two)} for one, two in done.both],
        "only_irpd": [view(page) for page in done.only_irpd],
        "only_other": [view(page) for page in done.only_other],
        "strangers": dict(done.strangers),
    }
