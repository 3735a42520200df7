"""All checks together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from irpd.check.addresses import addresses
from irpd.check.audiences import audiences
from irpd.check.claims import claims
from irpd.check.coverage import coverage
from irpd.check.doors import doors
from irpd.check.material import Material
from irpd.check.reach import reach
from irpd.check.references import references, rule_references
from irpd.check.rules import conditions, labels, passing_time, rule_tests, unknown_numbers
from irpd.check.secrets import secrets
from irpd.check.steps import steps
from irpd.check.times import times
from irpd.check.windows import windows
from irpd.config.load import Loaded, read_configuration
from irpd.config.problem import ConfigurationError, Problem, in_file_order
from irpd.config.yaml import Document
from irpd.oncall.contacts import Contacts
from irpd.triage.ruleset import RuleSet, compile_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """``loaded`` and ``ruleset`` are None when they have errors; ``files`` is how many were read."""

    problems: tuple[Problem, ...]
    loaded: Loaded | None
    ruleset: RuleSet | None
    files: int

    def with_more(self, problems: Iterable[Problem], *, strict: bool) -> "Checked":
        """The same with what others found; ``strict`` makes their warnings errors."""
        files = tuple(self.loaded.files) if self.loaded is not None else ()
        more = _ordered([*self.problems, *problems], files, strict=strict)
        return replace(self, problems=tuple(more))

    @property
    def good(self) -> bool:
        """Whether these files can be put in force."""
        return not any(problem.severity == "error" for problem in self.problems)


def check(
    loaded: Loaded,
    *,
    strict: bool = False,
    now: datetime | None = None,
    reveal: bool = True,
    starting: bool = False,
    contacts: Contacts | None = None,
) -> tuple[list[Problem], RuleSet | None]:
    """What is wrong in files that could be loaded, and the compiled rules (None when they have errors).

    ``strict`` makes warnings errors; ``now`` is when gaps are looked for; ``reveal`` says whether secrets
    must be there (they needn't where somebody only looks at the files); ``starting`` makes what the coming
    weeks leave open warnings: a pager with a gap is better than none; ``contacts`` are what people confirmed,
    None where that isn't known: then nothing is said of it."""
    material = Material(
        merged=loaded.merged,
        configuration=loaded.configuration,
        rules=loaded.rules,
        now=now or datetime.now(UTC),
        contacts=contacts,
    )
    problems, ruleset = _all(material, reveal=reveal, starting=starting)
    return _ordered([*loaded.problems, *problems], tuple(loaded.files), strict=strict), ruleset


def check_files(
    paths: Iterable[str | Path],
    *,
    strict: bool = False,
    now: datetime | None = None,
    reveal: bool = True,
    starting: bool = False,
    contacts: Contacts | None = None,
) -> Checked:
    """The same from the files on, going on after errors of reading: all that one look can find."""
    reading = read_configuration(paths)
    problems: list[Problem] = list(reading.problems)
    ruleset: RuleSet | None = None
    if reading.merged is not None and reading.merged.value:
        material = Material(
            merged=reading.merged,
            configuration=reading.configuration,
            rules=reading.rules,
            now=now or datetime.now(UTC),
            contacts=contacts,
        )
        found, ruleset = _all(material, reveal=reveal, starting=starting)
        problems += found
    return Checked(
        problems=tuple(_ordered(problems, reading.files, strict=strict)),
        loaded=reading.loaded,
        ruleset=ruleset,
        files=len(reading.files),
    )


def _all(material: Material, *, reveal: bool, starting: bool) -> tuple[list[Problem], RuleSet | None]:
    problems = [
        *references(material), *times(material), *rule_references(material), *rule_tests(material),
        *labels(material),
    ]  # fmt: skip
    sound = not any(problem.severity == "error" for problem in problems)
    if material.configuration is not None:
        for look in (doors, claims, addresses, audiences):
            problems += look(material, material.configuration)
        if sound:  # whom pages reach is known only when every name names somebody
            problems += reach(material, material.configuration)
            open_ = [*steps(material, material.configuration), *coverage(material, material.configuration)]
            problems += (replace(one, severity="warning") if starting else one for one in open_)
        if reveal:
            problems += secrets(material, material.configuration)
    ruleset, more = _rules(material.rules)
    if ruleset is not None:
        more += conditions(material, ruleset)
        more += passing_time(ruleset)
        more += unknown_numbers(ruleset)
        more += windows(material, ruleset)
    return problems + more, ruleset


def _rules(documents: tuple[Document, ...]) -> tuple[RuleSet | None, list[Problem]]:
    try:
        ruleset = compile_rules(documents)
    except ConfigurationError as error:
        return None, list(error.problems)
    return ruleset, list(ruleset.warnings)


def _ordered(problems: Iterable[Problem], files: tuple[str, ...], *, strict: bool) -> list[Problem]:
    if strict:
        problems = [replace(problem, severity="error") for problem in problems]
    return in_file_order(problems, files)
