"""``irpd rules``: do rules say what their tests say, and what would they say of this payload?"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from irpd.cli.client import Daemon
from irpd.cli.failure import NO, USAGE, Failed, dump
from irpd.cli.incident import example
from irpd.cli.journal import journal_option
from irpd.cli.options import config_option, daemon_options, json_option, tz_option
from irpd.cli.terminal import echo, progress
from irpd.cli.times import parse_time

if TYPE_CHECKING:
    from irpd.config.values import Configuration
    from irpd.model.waits import Waits
    from irpd.triage.explain import Explanation
    from irpd.triage.ruleset import RuleSet


@click.group()
def rules() -> None:
    """Test rules, explain what they decide, and try changed ones on recorded history."""


@rules.command("test")
@click.option("-k", "pattern", default="", metavar="NAME", help="Only cases whose name or file holds this.")
@click.option(
    "--junit", type=click.Path(dir_okay=False), metavar="FILE", help="Also write JUnit XML, for CI."
)
@click.option("--coverage", is_flag=True, help="Every rule, with how often it held and decided.")
@config_option
@json_option
@example("irpd rules test -k payment --config config/")
def test(pattern: str, junit: str | None, coverage: bool, config: tuple[str, ...], json: bool) -> None:
    """Run the tests that stand in the rule files; what fails with a diff and its place.

    Exit status 0 when all pass, 1 when one fails, the rules can't be used or no test has that name.
    """
    from irpd.rehearsal.suite import rehearse

    configuration, ruleset = _compiled(config)
    report = rehearse(ruleset, configuration, pattern)
    if pattern and not report.results:
        raise Failed(f"no test's name or file holds {pattern!r}", exit_code=NO, code="not-found")
    if junit:
        try:
            Path(junit).write_text(report.junit(), encoding="utf-8")
        except OSError as error:
            raise Failed(f"{junit}: {error.strerror}", exit_code=USAGE) from None
    if json:
        click.echo(dump(report.data()), nl=False)
    else:
        echo(report.text(coverage=coverage))
    if not report.passed:
        raise click.exceptions.Exit(NO)


@rules.command("explain")
@click.argument("file", type=click.Path(allow_dash=True, exists=True, dir_okay=False))
@click.option("--source", required=True, help="The configured source that it would come from.")
@click.option("--at", metavar="TIME", help="As if it came then.  [default: now]")
@click.option("--with-open", is_flag=True, help="Look at the daemon's open incidents: what would it join?")
@tz_option
@daemon_options
@example(
    "irpd rules explain pay.json --source alertmanager\nirpd rules explain - --source sentry < issue.json"
)
def explain(
    file: str, source: str, at: str | None, with_open: bool, tz: str | None, json: bool, **common: Any
) -> None:
    """What the payload in FILE (- is standard input) would do, and why, rule by rule.

    Exit status 0 when an incident results, 1 when nothing is opened or joined.
    """
    from irpd.cli.plan import Plan
    from irpd.protocol.policy import Policy
    from irpd.rehearsal.payload import read_as
    from irpd.triage.explain import explain_data, explain_signals, explain_text
    from irpd.triage.service import ServiceIndex

    configuration, ruleset = _compiled(common["config"])
    settings = configuration.sources.get(source)
    if settings is None:
        raise Failed(
            f"no source {source!r}; there are {', '.join(configuration.sources) or 'none'}", exit_code=USAGE
        )
    moment = (
        parse_time(at, zone=tz or configuration.server.time_zone, now=datetime.now(UTC))
        if at
        else datetime.now(UTC)
    )
    body = _payload(file)
    normalised = read_as(source, settings, body, moment)
    services = ServiceIndex(configuration)
    explanations = explain_signals(configuration, ruleset, services, source, normalised.signals, moment)
    joins = _open_groups(Daemon(**common)) if with_open else {}
    policy = Policy(configuration, ruleset, services, ruleset.hash)
    by_key = {f"{source}/{signal.key}": signal for signal in normalised.signals}
    plans = {one.key: Plan(policy, source, by_key[one.key], moment) for one in explanations}
    explanations = [_waiting(one, plans[one.key].waits) for one in explanations]
    if json:
        signals = [
            one.data(
                paths=plans[one.key].paths,
                joins=None if plans[one.key].waits else joins.get(one.group.key),
                waits=plans[one.key].waits,
                pages=() if one.group.key in joins else plans[one.key].pages,
                tells=() if one.group.key in joins else plans[one.key].tells,
            )
            for one in explanations
        ]
        click.echo(dump(explain_data(ruleset, moment, signals)), nl=False)
    else:
        if at:
            echo(f"At {moment.isoformat().replace('+00:00', 'Z')}:")
        echo(
            explain_text(
                explanations,
                paths={key: plan.paths for key, plan in plans.items()},
                now={one.key: plans[one.key].text(joins.get(one.group.key)) for one in explanations},
            )
        )
        echo(f"  {'rules':<13}{ruleset.hash}")
    if not any(one.outcome in ("opens", "joins", "unreadable") for one in explanations):
        raise click.exceptions.Exit(NO)


def _waiting(one: "Explanation", waits: "Waits | None") -> "Explanation":
    """What it comes to for now, where something mutes it or holds it back."""
    if waits is None:
        return one
    return replace(one, outcome="held" if waits.kind.value == "hold" else "muted")


@rules.command("backtest")
@click.option("--from", "begin", required=True, metavar="TIME", help="Incidents that opened from then.")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME", help="And until then.")
@click.option(
    "--rules",
    "changed",
    multiple=True,
    type=click.Path(exists=True),
    metavar="PATH",
    help="Changed rule files, or a folder of them.  [default: those of --config]",
)
@click.option("--as-it-was", is_flag=True, help="With the rules of the time: must give what was recorded.")
@click.option(
    "--fail-if", "fail_if", multiple=True, metavar="TEXT", help="Exit 1 when it is so: 'pages > +10%'."
)
@journal_option
@tz_option
@config_option
@json_option
@example(
    "irpd rules backtest --from 2026-10-01T00:00:00Z --rules rules/\n"
    "irpd rules backtest --from 2026-10-01T00:00:00Z --fail-if 'pages > +10%'"
)
def backtest_(
    begin: str,
    end: str,
    changed: tuple[str, ...],
    as_it_was: bool,
    fail_if: tuple[str, ...],
    journal: str | None,
    tz: str | None,
    config: tuple[str, ...],
    json: bool,
) -> None:
    """What changed rules would have made of recorded history: openings, grouping, levels and pages.

    Reads the journal and writes nothing; the daemon may run meanwhile. Each incident is compared up to the
    first thing that a person did about it. Pages are counted as they are asked for: what the outbox puts
    off, sends together or no longer sends, because somebody answered meanwhile, counts in both columns. Exit
    status 1 when a --fail-if holds.
    """
    from irpd.cli.files import journal_path, loaded_or_failed
    from irpd.engine.ports import JournalError
    from irpd.journal.reader import open_reader
    from irpd.rehearsal.backtest import backtest

    loaded = loaded_or_failed(config)
    zone = tz or loaded.configuration.server.time_zone
    now = datetime.now(UTC)
    since, until = (parse_time(text, zone=zone, now=now) for text in (begin, end))
    if since >= until:
        raise Failed(f"--from {begin} is not before --to {end}", exit_code=USAGE)
    ruleset = None if as_it_was else _changed(changed) if changed else _compiled(config)[1]
    path = journal_path(config, journal)
    _in_the_background()
    try:
        reader = open_reader(path)
        try:
            done = backtest(reader, loaded, ruleset, begin=since, end=until, progress=progress)
        finally:
            reader.close()
        failed = [text for text in fail_if if done.comparison.fails(text)]
    except JournalError as error:
        raise Failed(f"{path}: {error}", exit_code=NO, code="journal") from None
    except ValueError as error:
        raise Failed(f"--fail-if {error}", exit_code=USAGE) from None
    replayed = done.replayed
    if json:
        counts = {"receipts": replayed.receipts, "signals": replayed.signals, "missing": replayed.missing}
        document = {**done.comparison.data(), **counts, "failed": failed}
        click.echo(dump(document), nl=False)
    else:
        left_out = f", {replayed.missing:,} left out (no longer kept)" if replayed.missing else ""
        echo(f"{replayed.receipts:,} receipts, {replayed.signals:,} signals replayed{left_out}")
        echo(done.comparison.text())
        for text in failed:
            echo(f"--fail-if {text}: it is so")
    if failed:
        raise click.exceptions.Exit(NO)


def _in_the_background() -> None:
    """Only with time that nobody else wants: a daemon beside it has pages to send."""
    import contextlib
    import os

    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):  # not allowed here: the least priority must do
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _changed(paths: Sequence[str]) -> "RuleSet":
    """Rule files, or all of a folder. Raises Failed with what is wrong in them."""
    from irpd.config.problem import ConfigurationError
    from irpd.config.yaml import read_document
    from irpd.triage.ruleset import compile_rules

    files = [
        file
        for path in map(Path, paths)
        for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])
    ]
    if not files:
        raise Failed(f"no *.yaml in {', '.join(paths)}", exit_code=USAGE)
    try:
        return compile_rules([read_document(file) for file in files])
    except ConfigurationError as error:
        raise _unusable(error.problems) from None


def _unusable(problems: Sequence[Any]) -> Failed:
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    text = "the rules can't be used:\n" + "\n".join(errors[:10])
    return Failed(text, exit_code=NO, code="configuration")


def _compiled(config: Sequence[str]) -> "tuple[Configuration, RuleSet]":
    from irpd.cli.files import loaded_or_failed
    from irpd.config.problem import ConfigurationError
    from irpd.triage.ruleset import compile_rules

    loaded = loaded_or_failed(config)
    try:
        return loaded.configuration, compile_rules(loaded.rules)
    except ConfigurationError as error:
        raise _unusable(error.problems) from None


def _payload(file: str) -> bytes:
    from irpd.rehearsal.payload import MAX_PAYLOAD, BadPayload, payload_of

    if file != "-":
        try:
            return payload_of(Path(file))
        except BadPayload as error:
            raise Failed(str(error), exit_code=USAGE) from None
    body = sys.stdin.buffer.read(MAX_PAYLOAD + 1)
    if len(body) > MAX_PAYLOAD:
        raise Failed(f"{file}: above {MAX_PAYLOAD} bytes; irpd wouldn't take it", exit_code=USAGE)
    return body


def _open_groups(daemon: Daemon) -> dict[str, int]:
    """Group → the newest incident that new signals of it would join."""
    found: dict[str, int] = {}
    cursor = ""
    while True:
        query = {"state": "open,acknowledged", "limit": "500"} | ({"cursor": cursor} if cursor else {})
        document: dict[str, Any] = daemon.get("/incidents", query).document
        for one in document["incidents"]:
            if one["group"]:
                found.setdefault(one["group"]["key"], one["id"])
        cursor = document["next_cursor"] or ""
        if not cursor:
            return found
