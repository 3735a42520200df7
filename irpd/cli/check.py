"""``irpd check``: all problems of configuration and rules at once, each at its place."""

import sys
from functools import partial
from typing import Any

import click

from irpd.cli.failure import NO, USAGE, Failed, dump
from irpd.cli.incident import example
from irpd.cli.journal import journal_option
from irpd.cli.options import daemon_options
from irpd.cli.terminal import bold, colourful, counted, echo, progress


@click.command()
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option("--secrets/--no-secrets", default=True, help="Whether secrets must be there.")
@click.option(
    "--history",
    metavar="DURATION",
    help="Also look in the journal for rules that decided nothing for so long: 90d.",
)
@journal_option
@daemon_options
@example("irpd check --config config/ --strict\nirpd check --history 90d")
def check(
    strict: bool,
    secrets: bool,
    history: str | None,
    journal: str | None,
    socket: str | None,
    config: tuple[str, ...],
    json: bool,
) -> None:
    """Check configuration and rules as a whole, without the daemon.

    Errors are what can't work (a reload would be refused); warnings what is probably not meant.
    """
    from irpd.check import check_files
    from irpd.cli.files import configuration_paths, contacts_known

    checked = check_files(configuration_paths(config), strict=strict, reveal=secrets)
    if checked.loaded is not None:
        from irpd.check.verified import unverified_in

        contacts = contacts_known(checked.loaded.configuration, config, journal)
        if contacts is not None:
            checked = checked.with_more(unverified_in(checked.loaded, contacts), strict=strict)
    if checked.good and checked.loaded is not None and checked.ruleset is not None:
        from irpd.rehearsal.coverage import untested

        checked = checked.with_more(untested(checked.ruleset, checked.loaded.configuration), strict=strict)
        if history is not None and checked.ruleset is not None:
            checked = checked.with_more(_unused(checked.ruleset, history, config, journal), strict=strict)
    errors = [problem for problem in checked.problems if problem.severity == "error"]
    warnings = len(checked.problems) - len(errors)
    if json:
        document = {
            "schema": "irpd.check/1",
            "good": checked.good,
            "hash": checked.loaded.hash if checked.loaded else None,
            "files": checked.files,
            "error_count": len(errors),
            "warning_count": warnings,
            "errors": [problem_view(problem) for problem in checked.problems],
        }
        click.echo(dump(document), nl=False)
    else:
        echo_problems(checked.problems)
        echo(_summary(checked, errors, warnings, socket, config))
    if not checked.good:
        raise click.exceptions.Exit(NO)


def _unused(ruleset: Any, history: str, config: tuple[str, ...], journal: str | None) -> Any:
    """Warnings of rules that decided nothing in the journal. Raises Failed when it can't be read."""
    from datetime import UTC, datetime, timedelta

    from irpd.cli.files import journal_path
    from irpd.config.duration import parse_duration
    from irpd.engine.ports import JournalError
    from irpd.journal.reader import open_reader
    from irpd.rehearsal.usage import usage

    now = datetime.now(UTC)
    try:
        since = now - timedelta(seconds=parse_duration(history))
    except (ValueError, OverflowError) as error:
        raise Failed(f"--history {history!r}: {error}", exit_code=USAGE) from None
    path = journal_path(config, journal)
    try:
        reader = open_reader(path)
        try:
            found = usage(reader, ruleset, since=since, now=now, progress=partial(progress, "history"))
        finally:
            reader.close()
    except JournalError as error:
        raise Failed(f"{path}: {error}", exit_code=NO, code="journal") from None
    if not found.decisions:
        click.echo(f"{path}: no decision in the last {history}, so nothing is said of rules", err=True)
    return found.problems


def problem_view(problem: Any) -> dict[str, Any]:
    """As the API shows it."""
    return {
        "file": problem.file or None,
        "line": problem.line or None,
        "column": problem.column or None,
        "path": problem.path or None,
        "message": problem.message,
        "allowed": list(problem.allowed),
        "severity": problem.severity,
    }


def echo_problems(problems: Any) -> None:
    """To standard output; on a terminal with the line and a caret below."""
    caret = sys.stdout.isatty()
    for problem in problems:
        text = str(problem)
        if colourful():
            colour = "red" if problem.severity == "error" else "yellow"
            head, mark, rest = text.partition(f" {problem.severity}: ")
            text = f"{bold(head)}{click.style(mark, fg=colour, bold=True)}{rest}" if mark else text
        click.echo(text)
        if caret and problem.source_line and problem.column:
            line = problem.source_line.replace("\t", " ").rstrip()
            indent = len(line) - len(line.lstrip())
            click.echo(f"    {line.lstrip()}")
            click.echo(f"    {' ' * max(0, problem.column - 1 - indent)}^")


def _summary(
    checked: Any, errors: list[Any], warnings: int, socket: str | None, config: tuple[str, ...]
) -> str:
    counts = [counted(len(errors), "error")] if errors else []
    if warnings:
        counts.append(counted(warnings, "warning"))
    if checked.good:
        said = f" ({counts[0]})" if counts else ""
        return f"Good: {counted(checked.files, 'file')}, configuration {checked.loaded.hash}{said}."
    places = len({problem.file for problem in checked.problems})
    return f"{' and '.join(counts)} in {counted(places, 'file')}.{_running(socket, config)}"


def _running(socket: str | None, config: tuple[str, ...]) -> str:
    """What a running daemon does meanwhile, if there is one."""
    from irpd.cli.client import Daemon

    try:
        document = Daemon(socket=socket, config=config).get("/config").document
    except Failed:
        return ""
    return f" The running daemon keeps its configuration {document['hash']}."
