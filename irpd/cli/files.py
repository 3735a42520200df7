"""Where the files are that a command reads without the daemon: configuration and journal."""

import os
from collections.abc import Sequence
from pathlib import Path

from irpd.cli.failure import NO, USAGE, Failed
from irpd.cli.options import DEFAULT_CONFIG
from irpd.config.load import Loaded, read_configuration
from irpd.config.problem import Problem

#: The state directory of the packaged unit (StateDirectory=irpd).
PACKAGED = "/var/lib/irpd"


def configuration_paths(config: Sequence[str]) -> tuple[str, ...]:
    """What ``--config`` says, else the system's own folder. Raises Failed when there is neither."""
    if config:
        for path in config:
            if not Path(path).exists():
                raise Failed(f"{path}: no such file or folder", exit_code=USAGE)
        return tuple(config)
    if Path(DEFAULT_CONFIG).exists():
        return (DEFAULT_CONFIG,)
    raise Failed(f"no configuration: there is no {DEFAULT_CONFIG}; name one with --config", exit_code=USAGE)


def loaded_or_failed(config: Sequence[str]) -> Loaded:
    """The configuration. Raises Failed with the first problems when it can't be used."""
    reading = read_configuration(configuration_paths(config))
    if reading.loaded is None:
        raise Failed(_in_short(reading.problems), exit_code=NO, code="configuration")
    return reading.loaded


def _in_short(problems: Sequence[Problem]) -> str:
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    more = f"\n({len(errors) - 3} more: irpd check)" if len(errors) > 3 else ""
    return "the configuration can't be used:\n" + "\n".join(errors[:3]) + more


def journal_path(config: Sequence[str], journal: str | None) -> Path:
    """The journal. Raises Failed when it isn't there."""
    path = journal_place(config, journal)
    if not path.is_file():
        raise Failed(f"no journal at {path}; --journal FILE names one", exit_code=NO, code="not-found")
    return path


def journal_place(config: Sequence[str], journal: str | None) -> Path:
    """Where the journal belongs, there or not: ``--journal``, else in $STATE_DIRECTORY, the
    configured state directory or ``var/state``; the packaged unit's is found where that has none."""
    if journal:
        return Path(journal)
    name, folder = "irpd.db", ""
    if config or Path(DEFAULT_CONFIG).exists():
        configuration = read_configuration(configuration_paths(config)).configuration
        if configuration is not None:
            name, folder = configuration.journal.sqlite, configuration.server.state_dir or ""
    said = os.environ.get("STATE_DIRECTORY", "").split(":")[0] or folder
    if said:
        return Path(said) / name
    here, packaged = Path("var/state") / name, Path(PACKAGED) / name
    return packaged if not here.exists() and packaged.exists() else here
