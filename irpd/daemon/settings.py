"""The configuration on its way into force: from the files, or the last good one.

Reading and checking happen off the loop. What is good is compiled into a policy with
everything that hangs on it (sources with their secrets, channels), so that putting it in
force is one step.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from irpd.check import check_files
from irpd.config.files import configuration_files
from irpd.config.load import Loaded, bundle, load_bundle
from irpd.config.problem import ConfigurationError, Problem
from irpd.config.values import Configuration
from irpd.oncall.contacts import Contacts
from irpd.protocol.policy import Policy
from irpd.triage.ruleset import RuleSet, compile_rules
from irpd.triage.service import ServiceIndex

log = structlog.get_logger("irpd.config")

_COMMENT = re.compile(r"(?:^|\s)#.*")
_PLACE = re.compile(r"""\b(state_dir|sqlite)\s*:\s*(?:"([^"]+)"|'([^']+)'|([^\s,{}"']+))""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A configuration that is good, compiled. ``warnings`` are worth a look."""

    policy: Policy
    bundle: bytes
    files: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()


def from_files(
    paths: Sequence[str | Path],
    *,
    starting: bool = False,
    shadow: bool = False,
    contacts: Contacts | None = None,
) -> Prepared:
    """What the files say. Raises ConfigurationError with all problems; what the coming weeks leave open
    keeps no daemon from ``starting``. With ``shadow`` nobody is told of anything, whatever the files say.
    ``contacts`` are what people have confirmed, where that is known."""
    checked = check_files(paths, starting=starting, contacts=contacts)
    if checked.loaded is None or checked.ruleset is None or not checked.good:
        raise ConfigurationError(checked.problems)
    return _prepared(checked.loaded, checked.ruleset, tuple(checked.problems), shadow=shadow)


def from_journal(data: bytes, *, shadow: bool = False) -> Prepared:
    """The configuration that was in force, as the journal keeps it.

    It was good when it was kept, so only what can't be read at all is an error: a secret that
    is missing now must not leave a team without a pager."""
    loaded = load_bundle(data)
    return _prepared(loaded, compile_rules(loaded.rules), (), shadow=shadow)


def place_of_journal(paths: Sequence[str | Path]) -> tuple[str, str]:
    """What files that are bad still say of where the journal is: ``server.state_dir`` and
    ``journal.sqlite``, empty where they say nothing.

    Read as letters, for they may not even be YAML; whoever asks looks whether something is there."""
    said = {"state_dir": "", "sqlite": ""}
    for name in configuration_files(paths)[0]:
        with suppress(OSError):
            for line in Path(name).read_text(encoding="utf-8", errors="replace").splitlines():
                for key, *values in _PLACE.findall(_COMMENT.sub("", line)):
                    said[key] = said[key] or "".join(values)
    return said["state_dir"], said["sqlite"]


def _prepared(loaded: Loaded, ruleset: RuleSet, warnings: tuple[Problem, ...], *, shadow: bool) -> Prepared:
    configuration: Configuration = loaded.configuration
    if shadow:
        configuration = configuration.model_copy(update={"shadow": True})
    policy = Policy(
        configuration=configuration,
        ruleset=ruleset,
        services=ServiceIndex(configuration),
        hash=loaded.hash,
    )
    return Prepared(policy=policy, bundle=bundle(loaded), files=tuple(loaded.files), warnings=warnings)
