"""Rules beside the configuration: names in tests that name nothing, conditions that say nothing, labels that
look misspelled. All of them are warnings, because irpd can run with them."""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping

from irpd.check.material import Material
from irpd.config.problem import Problem, quoted, suggest
from irpd.config.supported import places, value_at
from irpd.config.yaml import Document, Where
from irpd.triage.ages import ages_of
from irpd.triage.constant import constant_conditions, unknowing_conditions
from irpd.triage.expression import reads
from irpd.triage.rule import SHARE_RULE
from irpd.triage.ruleset import RuleSet

#: Where tests name parts of the configuration, and the section that must have them.
_NAMED: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("tests", "*", "given", "source"), "sources", "source"),
    (("tests", "*", "cases", "*", "given", "source"), "sources", "source"),
    (("tests", "*", "timeline", "*", "to"), "sources", "source"),
    (("tests", "*", "timeline", "*", "by"), "people", "person"),
    (("tests", "*", "timeline", "*", "signal", "service"), "services", "service"),
    (("tests", "*", "expect", "incidents", "*", "service"), "services", "service"),
    (("tests", "*", "expect", "incidents", "*", "acknowledged_by"), "people", "person"),
    (("tests", "*", "expect", "paged", "*", "person"), "people", "person"),
    (("tests", "*", "expect", "paged", "*", "via"), "channels", "channel"),
    (("tests", "*", "expect", "told", "*", "person"), "people", "person"),
    (("tests", "*", "expect", "told", "*", "via"), "channels", "channel"),
)
#: Where tests name rules.
_RULES: tuple[tuple[str, ...], ...] = (
    ("tests", "*", "expect", "rules"),
    ("tests", "*", "expect", "held"),
    ("tests", "*", "expect", "not_held"),
    ("tests", "*", "cases", "*", "expect", "rules"),
    ("tests", "*", "cases", "*", "expect", "held"),
    ("tests", "*", "cases", "*", "expect", "not_held"),
    ("tests", "*", "expect", "incidents", "*", "rules"),
)
_GIVEN: tuple[tuple[str, ...], ...] = (
    ("tests", "*", "given", "service"),
    ("tests", "*", "cases", "*", "given", "service"),
)
#: Labels that senders set by themselves or that everybody has.
_WELL_KNOWN = (
    "alertname",
    "severity",
    "instance",
    "service",
    "environment",
    "priority",
    "category",
    "project",
)
_ALIKE = 0.85
_ASKED_WHEN = (
    "when this begins to hold doesn't follow from its text, so open_minutes is looked at only when a signal "
    "brings something new or Prometheus answers; compared with a number, as in open_minutes >= 30, it is as "
    "time passes"
)


def rule_tests(material: Material) -> Iterator[Problem]:
    """A test that names what isn't configured can't pass for the reason that it gives."""
    for document in material.rules:
        for pattern, section, kind in _NAMED:
            known = material.section(section)
            if known is not None:
                for path, name in _texts(document, pattern):
                    yield from _unknown(document, path, name, known, kind)
        targets = {**(material.section("people") or {}), **(material.section("schedules") or {})}
        for case in (("*",), ("*", "cases", "*")):
            for path, name in _texts(document, ("tests", *case, "expect", "pages")):
                yield from _unknown(document, path, name, targets, "person or schedule")
    yield from _rules_named(material)
    yield from _services_given(material)


def _rules_named(material: Material) -> Iterator[Problem]:
    """A rule that isn't there never holds: a test that wants it not to can't fail."""
    known = {SHARE_RULE: None}
    for document in material.rules:
        known |= dict.fromkeys(name for _, name in _texts(document, ("rules", "*", "id")))
    for document in material.rules:
        for pattern in _RULES:
            for path, name in _texts(document, pattern):
                yield from _unknown(document, path, name, known, "rule")


def _services_given(material: Material) -> Iterator[Problem]:
    """Rule files that are shared name services that others have; only what looks misspelled is said."""
    known = material.section("services") or {}
    for document in material.rules:
        for pattern in _GIVEN:
            for path, name in _texts(document, pattern):
                if difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE):
                    yield from _unknown(document, path, name, known, "service")


def conditions(material: Material, ruleset: RuleSet) -> Iterator[Problem]:
    """Conditions whose answer is the same whatever comes."""
    lines = {document.file: document.lines for document in material.rules}
    for constant in constant_conditions(ruleset.rules):
        place = constant.rule.place
        if constant.answer:
            message = "when is always so for what match lets in: leave it out"
        else:
            message = "when is never so for what match lets in: the rule can't hold"
        yield Problem(
            file=place.file, line=place.line, column=place.column, path=f"{constant.rule.id}.when",
            message=message, severity="warning", source_line=lines[place.file][place.line - 1][:200],
        )  # fmt: skip


def unknown_numbers(ruleset: RuleSet) -> Iterator[Problem]:
    """A cap for few users that also holds while nobody knows how many there are."""
    for found in unknowing_conditions(ruleset.rules):
        place = found.rule.place
        yield Problem(
            file=place.file, line=place.line, column=place.column, path=f"{found.rule.id}.when",
            message=f"holds while nothing is known of users, because {found.name} is 0 then; "
            "write share_known && ... if that isn't meant",
            severity="warning",
        )  # fmt: skip


def passing_time(ruleset: RuleSet) -> Iterator[Problem]:
    """Rules are asked again at the ages that they name, and else only when something is reported."""
    for rule in ruleset.rules:
        if rule.when is not None and ages_of(rule.when.expression) is None:
            place = rule.place
            yield Problem(
                file=place.file, line=place.line, column=place.column, path=f"{rule.id}.when",
                message=_ASKED_WHEN,
                severity="warning",
            )  # fmt: skip


def labels(material: Material) -> Iterator[Problem]:
    """A label that stands in one place only and looks like one that stands in many."""
    found = [(document, path, name) for document in material.rules for path, name in _labels(document)]
    counts = Counter(name for _, _, name in found)
    for path in places(material.merged.value, ("services", "*", "signals", "*", "labels")):
        counts.update(_keys(value_at(material.merged.value, path)))
    for path in places(material.merged.value, ("sources", "*", "fields")):
        fields = _keys(value_at(material.merged.value, path))
        counts.update(name.removeprefix("labels.") for name in fields if name.startswith("labels."))
    common = [*(name for name, count in counts.items() if count > 1), *_WELL_KNOWN]
    for document, path, name in found:
        if counts[name] == 1 and name not in _WELL_KNOWN:
            near = difflib.get_close_matches(name, common, n=1, cutoff=_ALIKE)
            if near:
                message = f"label {quoted(name)} is named nowhere else; did you mean {near[0]}?"
                yield document.problem(path, message, severity="warning")


def _labels(document: Document) -> Iterator[tuple[Where, str]]:
    for section in ("rules", "group"):
        for path in places(document.value, (section, "*", "match", "labels")):
            yield from (((*path, name), name) for name in _keys(value_at(document.value, path)))
    for path in places(document.value, ("rules", "*", "when")):
        expression = value_at(document.value, path)
        if isinstance(expression, str):
            yield from ((path, name) for name in reads(expression).labels)
    for pattern in (("tests", "*", "given", "labels"), ("tests", "*", "cases", "*", "given", "labels")):
        for path in places(document.value, pattern):
            yield from (((*path, name), name) for name in _keys(value_at(document.value, path)))


def _keys(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, Mapping) else []


def _texts(document: Document, pattern: tuple[str, ...]) -> Iterator[tuple[Where, str]]:
    for path in places(document.value, pattern):
        value = value_at(document.value, path)
        listed = value if isinstance(value, list) else [value]
        for n, name in enumerate(listed):
            if isinstance(name, str) and name:
                yield ((*path, n) if isinstance(value, list) else path), name


def _unknown(
    document: Document, path: Where, name: str, known: Mapping[str, object], kind: str
) -> Iterator[Problem]:
    if name not in known:
        message = f"no {kind} {quoted(name)}{suggest(name, known)}"
        yield document.problem(path, message, allowed=tuple(known), severity="warning")
