"""``irpd audit``, ``journal``, ``backup``, ``restore`` and ``migrate``: the journal as a file."""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from irpd.cli.client import Daemon, pass_on
from irpd.cli.failure import NO, REFUSED, UNREACHABLE, USAGE, Failed, dump
from irpd.cli.incident import example
from irpd.cli.options import config_option, daemon_options, json_option
from irpd.cli.terminal import counted, echo

T = TypeVar("T")


def journal_option(function: Any) -> Any:
    return click.option(
        "--journal", type=click.Path(), metavar="FILE", help="The journal.  [default: where serve keeps it]"
    )(function)


@click.group()
def audit() -> None:
    """Verify the journal's hash chain."""


@audit.command("verify")
@click.option(
    "--head", metavar="HASH", help="A head noted elsewhere (or SEQ:HASH); the chain must have had it."
)
@journal_option
@config_option
@json_option
@example("irpd audit verify --head 3f9c2a1b7d20e4aa")
def verify(head: str | None, journal: str | None, config: tuple[str, ...], json: bool) -> None:
    """Follow the hash chain from its beginning: was any event changed, left out or put in?

    Needs no daemon and disturbs none.
    """
    from irpd.cli.files import journal_path
    from irpd.journal.verify import verify_chain

    digest, seq = (None, None) if head is None else _noted(head)
    path = journal_path(config, journal)
    chain = _progress("chain")
    report = reading(path, lambda: verify_chain(path, digest, head_at=seq, progress=chain))
    if json:
        document = {
            "schema": "irpd.audit/1", "journal": str(path), "ok": report.ok, "events": report.events,
            "erased": report.erased, "receipts": report.receipts, "head": report.head,
            "head_at": report.head_at, "problems": report.problems,
        }  # fmt: skip
        click.echo(dump(document), nl=False)
    else:
        for problem in report.problems:
            click.echo(f"{path}: {problem}", err=True)
        if report.ok:
            erased = f" ({report.erased:,} of them erased)" if report.erased else ""
            echo(f"{path}: the chain holds")
            received = counted(report.receipts, "receipt")
            echo(f"  {counted(report.events, 'event')}{erased}, {received} as received")
            echo(f"  head {report.head}")
            if report.head_at is not None:
                echo(f"  the head asked for was after event {report.head_at}")
    if not report.ok:
        raise click.exceptions.Exit(NO)


@click.group()
def journal() -> None:
    """Check the journal."""


@journal.command("check")
@journal_option
@config_option
@json_option
@example("irpd journal check --journal /var/lib/irpd/irpd.db")
def check(journal: str | None, config: tuple[str, ...], json: bool) -> None:
    """Verify the chain, replay every event and compare with the stored rows, and have SQLite check its file.
    Needs no daemon."""
    from irpd.cli.files import journal_path
    from irpd.journal.file_check import check_file
    from irpd.journal.verify import check_projection, verify_chain

    path = journal_path(config, journal)
    chain = reading(path, lambda: verify_chain(path, progress=_progress("chain")))
    rows = reading(path, lambda: check_projection(path, progress=_progress("replay")))
    damage = reading(path, lambda: check_file(path))
    ok = chain.ok and rows.ok and not damage
    if json:
        document = {
            "schema": "irpd.journal-check/1", "journal": str(path), "ok": ok, "events": chain.events,
            "receipts": chain.receipts, "head": chain.head, "rows": rows.rows, "different": rows.different,
            "problems": [*chain.problems, *rows.differences, *damage],
        }  # fmt: skip
        click.echo(dump(document), nl=False)
    else:
        for problem in (*chain.problems, *rows.differences, *damage):
            click.echo(f"{path}: {problem}", err=True)
        said = "as" if rows.ok else f"({rows.different:,} of them NOT) as"
        echo(f"{path}: {'fine' if ok else 'NOT as it should be'}")
        echo(f"  {counted(chain.events, 'event')}, {counted(chain.receipts, 'receipt')} as received")
        echo(f"  {counted(rows.rows, 'row')} {said} the events make them")
        echo(f"  head {chain.head}")
    if not ok:
        raise click.exceptions.Exit(NO)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@journal_option
@daemon_options
@example("irpd backup /var/backups/irpd-$(date +%F).db")
def backup(file: str, journal: str | None, socket: str | None, config: tuple[str, ...], json: bool) -> None:
    """Copy the journal to FILE, consistent, while the daemon runs (or without one).

    The daemon writes it; where that may not write, this command does, if it may read the journal.
    """
    target = Path(file).absolute()
    refused: Failed | None = None
    if journal is None:
        try:
            answer = Daemon(socket=socket, config=config).post("/backup", {"path": str(target)})
        except Failed as error:
            alone = error.exit_code == UNREACHABLE and error.status is None and not socket
            if not alone and error.code != "not-writable":
                raise
            refused = None if alone else error
        else:
            pass_on(answer) if json else echo(f"Written: {target}")
            return
    from irpd.cli.files import journal_path
    from irpd.journal.backup import copy

    try:
        path = journal_path(config, journal)
    except (Failed, OSError):
        if refused is None:
            raise
        raise refused from None  # where this command would look is not what was wrong
    seal = reading(path, lambda: copy(path, target))
    if json:
        click.echo(dump({"schema": "irpd.backup/1", "path": str(target)}), nl=False)
    else:
        echo(f"Written: {target} ({counted(seal.seq, 'event')} of {path}, head {seal.head})")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--journal", type=click.Path(), metavar="FILE", help="What to replace.  [default: where serve keeps it]"
)
@config_option
@json_option
@example("systemctl stop irpd; irpd restore /var/backups/irpd-2026-11-24.db")
def restore(file: str, journal: str | None, config: tuple[str, ...], json: bool) -> None:
    """Put the backup FILE in the journal's place, verified; what was there is set aside.

    Refused while a daemon holds the journal.
    """
    from irpd.cli.files import journal_place
    from irpd.journal.restore import restore as put_back

    path = journal_place(config, journal)
    done = reading(None, lambda: put_back(Path(file), path, now=datetime.now(UTC)))
    if json:
        document = {
            "schema": "irpd.restore/1", "events": done.seq, "head": done.head,
            "set_aside": str(done.aside) if done.aside else None, "lost_events": done.lost_events,
            "same_history": done.same_history,
        }  # fmt: skip
        click.echo(dump(document), nl=False)
        return
    lines = [f"Restored: {path} ({done.seq} events, head {done.head})"]
    if done.aside:
        lines.append(f"What was there is now {done.aside}")
    if not done.readable and not done.lost:
        lines.append("It can't be read, so what it had beyond the backup isn't known.")
    elif not done.readable:
        lines.append("Parts of it can't be read, or were changed; what is told here may not be all.")
    if done.lost_events:
        lines.append(f"It had {counted(done.lost_events, 'event')} that the backup hasn't:")
        lines += [f"  {fact.seq} {fact.at:%d %b %H:%M:%S} {fact.subject} {_tag(fact)}" for fact in done.lost]
        if (more := done.lost_events - len(done.lost)) > 0:
            lines.append(f"  and {more} more")
    if done.readable and not done.same_history:
        lines.append("It was not a continuation of this backup.")
    echo(lines)


@click.command()
@click.option("--plan", "plan_only", is_flag=True, help="Say what would be done.")
@journal_option
@config_option
@json_option
@example("irpd migrate --plan")
def migrate(plan_only: bool, journal: str | None, config: tuple[str, ...], json: bool) -> None:
    """What the next start of this irpd would change in the journal (after a backup)."""
    from irpd.cli.files import journal_path
    from irpd.journal.schema import plan

    if not plan_only:
        raise click.UsageError("migrations are applied by `irpd serve` at its start; --plan says which")
    path = journal_path(config, journal)
    steps = reading(path, lambda: plan(path))
    if json:
        document = {
            "schema": "irpd.migrate/1", "journal": str(path),
            "steps": [{"version": step.version, "name": step.name} for step in steps],
        }  # fmt: skip
        click.echo(dump(document), nl=False)
    elif steps:
        echo([f"{path}: the next start makes a backup and applies", *(f"  {step.name}" for step in steps)])
    else:
        echo(f"{path}: nothing to do.")


def _noted(head: str) -> tuple[str, int | None]:
    """``HASH``, or ``SEQ:HASH`` with the number of the event after which it was."""
    seq, colon, digest = head.strip().lower().rpartition(":")
    if not re.fullmatch(r"[0-9a-f]{16,64}", digest) or (colon and not re.fullmatch(r"[0-9]{1,15}", seq)):
        raise click.BadParameter(
            f"{head!r} is no head; write at least 16 hexadecimal digits of it, or SEQ:HASH",
            param_hint="--head",
        )
    return digest, int(seq) if colon else None


def _tag(fact: Any) -> str:
    return str(type(fact.event).__struct_config__.tag)


def _progress(what: str) -> Callable[[int, int], None]:
    """A line that is written over, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda _seen, _of: None

    def show(seen: int, of: int) -> None:
        click.echo(f"\r{what}: {seen:,} of {of:,}\x1b[K", err=True, nl=seen >= of)

    return show


def reading(path: Path | None, work: Callable[[], T]) -> T:
    """``work`` on the journal at ``path`` (None: they name it anyway), its errors as this command's."""
    from irpd.engine.ports import JournalError, JournalHeld

    try:
        return work()
    except JournalHeld as error:
        raise Failed(f"{error}; stop the daemon first", exit_code=REFUSED, code="held") from None
    except JournalError as error:
        named = path is None or str(path) in str(error)
        raise Failed(f"{'' if named else f'{path}: '}{error}", exit_code=NO, code="journal") from None
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}", exit_code=USAGE) from None
