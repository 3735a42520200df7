"""The first part of a start: files, state directory, journal, and what to run on.

Good files are what irpd runs on. Bad ones leave the last good configuration, which the journal keeps; where
there is none, irpd doesn't start, and makes no journal for them. All of it blocks; nothing stays open when
it fails.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from irpd.comms.links import LinkKeyError, load_key
from irpd.config.problem import ConfigurationError, Problem
from irpd.daemon import settings
from irpd.daemon.options import (
    EXIT_CONFIG,
    EXIT_HELD,
    EXIT_JOURNAL,
    EXIT_NEWER,
    KillPoint,
    Options,
    StartError,
)
from irpd.daemon.settings import Prepared
from irpd.engine.ports import JournalError, JournalHeld, JournalNewer
from irpd.journal.sqlite import SqliteJournal

log = structlog.get_logger("irpd.daemon")

DEFAULT_JOURNAL = "irpd.db"
NOTHING_EARLIER = "the configuration can't be used, and there is no earlier one to run on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """``prepared`` is what to run on: the files if they are ``good``, else the last good configuration.
    ``latest`` is the hash of the one last in force, "" for none."""

    state_dir: Path
    journal: SqliteJournal
    prepared: Prepared
    good: bool
    problems: tuple[Problem, ...]
    latest: str
    link_key: bytes


def open_all(options: Options, *, kill: KillPoint) -> Opened:
    """Raises StartError."""
    good, problems = _read_files(options)
    state_dir = _state_dir(options, good)
    journal = _open_journal(options, state_dir, good, problems, kill)
    try:
        latest = journal.latest_config()
        return Opened(
            state_dir=state_dir,
            journal=journal,
            prepared=good or _last_good(latest, problems, shadow=options.shadow),
            good=good is not None,
            problems=problems,
            latest=latest[0] if latest is not None else "",
            link_key=load_key(state_dir),
        )
    except LinkKeyError as error:
        journal.close()
        raise StartError(EXIT_CONFIG, str(error)) from None
    except JournalError as error:
        journal.close()
        raise StartError(EXIT_JOURNAL, str(error)) from None
    except BaseException:
        journal.close()
        raise


def _read_files(options: Options) -> tuple[Prepared | None, tuple[Problem, ...]]:
    try:
        return settings.from_files(options.config, starting=True, shadow=options.shadow), ()
    except ConfigurationError as error:
        return None, tuple(error.problems)


def _state_dir(options: Options, good: Prepared | None) -> Path:
    named = options.state_dir or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if not named and good is not None:
        named = good.policy.configuration.server.state_dir or ""
    elif not named:
        said = settings.place_of_journal(options.config)[0]
        named = said if os.path.isdir(said) else ""
    folder = Path(named or "var/state").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as error:
        raise StartError(EXIT_JOURNAL, f"state directory {folder}: {error.strerror}") from None
    return folder


def _open_journal(
    options: Options, state_dir: Path, good: Prepared | None, problems: Sequence[Problem], kill: KillPoint
) -> SqliteJournal:
    name = DEFAULT_JOURNAL
    if good is not None:
        name = good.policy.configuration.journal.sqlite
    else:
        said = settings.place_of_journal(options.config)[1]
        name = said if said and (state_dir / said).is_file() else name
        if not (state_dir / name).exists():  # none is made for files that are bad
            raise StartError(EXIT_CONFIG, NOTHING_EARLIER, problems)
    journal = SqliteJournal(state_dir / name, kill=kill)
    try:
        journal.open()
    except JournalHeld as error:
        raise StartError(EXIT_HELD, str(error)) from None
    except JournalNewer as error:
        raise StartError(EXIT_NEWER, str(error)) from None
    except JournalError as error:
        raise StartError(EXIT_JOURNAL, str(error)) from None
    return journal


def _last_good(latest: tuple[str, bytes] | None, problems: Sequence[Problem], *, shadow: bool) -> Prepared:
    """The files are bad: run on what was in force, and say so loudly."""
    if latest is None:
        raise StartError(EXIT_CONFIG, NOTHING_EARLIER, problems)
    try:
        prepared = settings.from_journal(latest[1], shadow=shadow)
    except ConfigurationError as error:
        raise StartError(
            EXIT_CONFIG,
            f"the configuration can't be used, nor can the last good one ({latest[0]})",
            (*problems, *error.problems),
        ) from None
    log.error("config-refused", in_force=latest[0], problems=[str(p) for p in problems])
    return prepared
