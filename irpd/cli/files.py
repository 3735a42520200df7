"""Where the files are that a command reads without the daemon: configuration and journal."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from irpd.cli.failure import NO, USAGE, Failed
from irpd.cli.options import DEFAULT_CONFIG
from irpd.config.load import Loaded, read_configuration
from irpd.config.problem import Problem

if TYPE_CHECKING:
    from irpd.config.values import Configuration
    from irpd.oncall.contacts import Contacts

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


def contacts_known(
    configuration: "Configuration", config: Sequence[str], journal: str | None
) -> "Contacts | None":
    """What people have confirmed of their contact methods, as the journal says; None where the configuration
    doesn't ask for it, or where there is no journal that can be read, which is said."""
    if configuration.server.verify == "ignore":
        return None
    from irpd.engine.ports import JournalError
    from irpd.journal.codec import decode_standing
    from irpd.journal.reader import open_reader
    from irpd.model.contact import Contact
    from irpd.oncall.contacts import Contacts

    path = journal_place(config, journal)
    why = "there is none" if not path.is_file() else ""
    try:
        if not why:
            reader = open_reader(path)
            try:
                found = [(kind, data) for kind, _, data in reader.standing() if kind == Contact.kind]
            finally:
                reader.close()
            rows = (decode_standing(kind, data) for kind, data in found)
            return Contacts(row for row in rows if isinstance(row, Contact))
    except (JournalError, OSError) as error:
        why = str(error)
    click.echo(f"{path}: {why}; whether people have confirmed their addresses isn't looked at", err=True)
    return None


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
