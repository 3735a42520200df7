"""The configuration on its way into force: from the files, or the last good one.

Reading and checking happen off the loop. What is good is compiled into a policy with
everything that hangs on it (sources with their secrets, channels), so that putting it in
force is one step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from irpd.check import check
from irpd.config.load import Loaded, bundle, load_bundle, read_configuration
from irpd.config.problem import ConfigurationError, Problem
from irpd.config.values import Configuration
from irpd.protocol.policy import Policy
from irpd.triage.ruleset import RuleSet, compile_rules
from irpd.triage.service import ServiceIndex

log = structlog.get_logger("irpd.config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A configuration that is good, compiled. ``warnings`` are worth a look."""

    policy: Policy
    bundle: bytes
    files: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()


def from_files(paths: Sequence[str | Path]) -> Prepared:
    """What the files say. Raises ConfigurationError with all problems."""
    reading = read_configuration(paths)
    if reading.loaded is None:
        raise ConfigurationError(reading.problems)
    problems, ruleset = check(reading.loaded)
    if ruleset is None or any(problem.severity == "error" for problem in problems):
        raise ConfigurationError(problems)
    return _prepared(reading.loaded, ruleset, tuple(problems))


def from_journal(data: bytes) -> Prepared:
    """The configuration that was in force, as the journal keeps it.

    It was good when it was kept, so only what can't be read at all is an error: a secret that
    is missing now must not leave a team without a pager."""
    loaded = load_bundle(data)
    return _prepared(loaded, compile_rules(loaded.rules), ())


def watched_files(paths: Sequence[str | Path]) -> tuple[str, ...]:
    """Every file that takes part, read or not, and the folders they are looked for in."""
    reading = read_configuration(paths)
    folders = {str(Path(name).parent) for name in reading.files}
    return (*map(str, paths), *reading.files, *sorted(folders))


def _prepared(loaded: Loaded, ruleset: RuleSet, warnings: tuple[Problem, ...]) -> Prepared:
    configuration: Configuration = loaded.configuration
    policy = Policy(
        configuration=configuration,
        ruleset=ruleset,
        services=ServiceIndex(configuration),
        hash=loaded.hash,
    )
    return Prepared(policy=policy, bundle=bundle(loaded), files=tuple(loaded.files), warnings=warnings)
