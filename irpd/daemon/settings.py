"""The configuration on its way into force: from the files, or the last good one.

Reading and checking happen off the loop. What is good is compiled into a policy with
everything that hangs on it (sources with their secrets, channels), so that putting it in
force is one step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from irpd.check import check_files
from irpd.config.load import Loaded, bundle, load_bundle
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
    checked = check_files(paths)
    if checked.loaded is None or checked.ruleset is None or not checked.good:
        raise ConfigurationError(checked.problems)
    return _prepared(checked.loaded, checked.ruleset, tuple(checked.problems))


def from_journal(data: bytes) -> Prepared:
    """The configuration that was in force, as the journal keeps it.

    It was good when it was kept, so only what can't be read at all is an error: a secret that
    is missing now must not leave a team without a pager."""
    loaded = load_bundle(data)
    return _prepared(loaded, compile_rules(loaded.rules), ())


def _prepared(loaded: Loaded, ruleset: RuleSet, warnings: tuple[Problem, ...]) -> Prepared:
    configuration: Configuration = loaded.configuration
    policy = Policy(
        configuration=configuration,
        ruleset=ruleset,
        services=ServiceIndex(configuration),
        hash=loaded.hash,
    )
    return Prepared(policy=policy, bundle=bundle(loaded), files=tuple(loaded.files), warnings=warnings)
