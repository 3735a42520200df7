"""A rule file into compiled rules: what the models leave open is checked here, every problem at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from irpd.config.problem import Problem, quoted, suggest
from irpd.config.yaml import Document
from irpd.model.signal import Status
from irpd.triage.cases import Tests, place_of, read_test
from irpd.triage.condition import BadCondition, Condition
from irpd.triage.matching import Match
from irpd.triage.phrases import WordList, mistakes
from irpd.triage.place import position_in
from irpd.triage.reading import Reader, Where
from irpd.triage.rule import SHARE_RULE, GroupRule, Hold, Place, Rule
from irpd.triage.rulefile import GroupPart, MatchPart, RulePart, SilencePart, WordsPart
from irpd.triage.testfile import TestPart
from irpd.triage.vocabulary import SOURCE_TYPES
from irpd.triage.waiting import WindowRule
from irpd.triage.windows import read_window

#: ``irpd`` is the type of what irpd itself reports.
_KNOWN = {
    "source_type": (*SOURCE_TYPES, "irpd"),
    "status": tuple(status.value for status in Status),
}
_FIELDS = ("source", "source_type", "service", "project", "status")


@dataclass(slots=True)
class Gathered:
    """What the files read so far say. ``ids`` is where each id stands, ``word_ids`` that of each word list,
    ``named`` where a word list is named, with the reader that can say so."""

    rules: list[Rule] = field(default_factory=list)
    words: list[WordList] = field(default_factory=list)
    word_ids: dict[str, Place] = field(default_factory=dict)
    named: list[tuple[Reader, Where, str]] = field(default_factory=list)
    groups: list[GroupRule] = field(default_factory=list)
    windows: list[WindowRule] = field(default_factory=list)
    tests: Tests = field(default_factory=Tests)
    ids: dict[str, Place] = field(default_factory=dict)


def compile_file(document: Document, gathered: Gathered) -> list[Problem]:
    """Adds what the file says to ``gathered``; every problem of it, warnings too."""
    reader = Reader(document)
    for path, part in reader.parts():
        match part:
            case WordsPart():
                _words(reader, path, part, gathered)
            case RulePart():
                _rule(reader, path, part, gathered)
            case GroupPart():
                _group(reader, path, part, gathered)
            case SilencePart():
                _silence(reader, path, part, gathered)
            case TestPart():
                read_test(reader, path, part, gathered.tests)
            case Mapping():
                _spoiled(reader, path, part, gathered)
    return reader.problems


def missing_lists(gathered: Gathered) -> list[Problem]:
    """Word lists that are named but stand in no file; to be asked once all are read."""
    problems: list[Problem] = []
    for reader, path, name in gathered.named:
        if name not in gathered.word_ids:
            reader.problems.clear()
            near = suggest(name, tuple(gathered.word_ids))
            reader.add(path, f"no word list {quoted(name)}{near}", allowed=tuple(gathered.word_ids))
            problems += reader.problems
    return problems


def _claim(reader: Reader, path: Where, name: str, gathered: Gathered) -> Place:
    place = place_of(reader, path)
    at = (*path, "id")
    if name == SHARE_RULE:
        reader.add(at, f"{SHARE_RULE} is the built-in rule's id; choose another")
    elif name in gathered.ids:
        reader.add(at, f"{quoted(name)} is already the id of a rule at {gathered.ids[name]}")
    else:
        gathered.ids[name] = place
    return place


def _words(reader: Reader, path: Where, part: WordsPart, gathered: Gathered) -> None:
    if part.id in gathered.word_ids:
        reader.add((*path, "id"), f"{quoted(part.id)} is already a word list at {gathered.word_ids[part.id]}")
    gathered.word_ids.setdefault(part.id, place_of(reader, path))
    for number, phrase in enumerate(part.phrases):
        if wrong := mistakes(phrase):
            reader.add(_listed(reader, (*path, "phrases"), number), wrong)
    for name in ("not_after", "not_before"):
        _names(reader, (*path, name), getattr(part, name), gathered)
    gathered.words.append(
        WordList(
            id=part.id,
            phrases=part.phrases,
            look_in=part.look_in,
            not_after=part.not_after,
            not_before=part.not_before,
            until=part.until,
        )
    )


def _names(reader: Reader, path: Where, names: Sequence[str], gathered: Gathered) -> None:
    gathered.named += [(reader, _listed(reader, path, number), name) for number, name in enumerate(names)]


def _listed(reader: Reader, path: Where, number: int) -> Where:
    """The item of a list, or the single text that stands for one."""
    item = (*path, number)
    return item if item in reader.document.positions else path


def _spoiled(reader: Reader, path: Where, item: Mapping[Any, Any], gathered: Gathered) -> None:
    """What can still be said of a part whose keys are wrong."""
    name, when = item.get("id"), item.get("when")
    if path[0] == "words" and isinstance(name, str):
        gathered.word_ids.setdefault(name, place_of(reader, path))
    elif path[0] != "tests" and isinstance(name, str):
        _claim(reader, path, name, gathered)
    if path[0] == "rules" and isinstance(when, str):
        _condition(reader, path, when)


def _rule(reader: Reader, path: Where, part: RulePart, gathered: Gathered) -> None:
    place = _claim(reader, path, part.id, gathered)
    effects = [name for name in ("level", "at_most", "at_least") if getattr(part, name) is not None]
    if len(effects) > 1:
        shown = " and ".join(effects)
        reader.add((*path, effects[1]), f"{shown} in one rule; write a rule for each", key=True)
    if not effects and not part.regimes and not part.start and part.hold is None:
        reader.add(path, "says nothing: give it one of level, at_most, at_least, regimes, start or hold")
    if part.lower_after and part.level is None and part.at_least is None:
        reader.add((*path, "lower_after"), "goes with level or at_least: it says when that sinks", key=True)
    match = _match(reader, path, part.match)
    words = part.match.words or ()
    _names(reader, (*path, "match", "words"), words, gathered)
    if not match.wants and not words and part.when is None and (effects or part.hold is not None):
        _warn(reader, path, "holds for every signal: it has neither match nor when")
    gathered.rules.append(
        Rule(
            id=part.id,
            place=place,
            match=match,
            because=part.because,
            words=words,
            when=_condition(reader, path, part.when),
            level=part.level,
            at_most=part.at_most,
            at_least=part.at_least,
            regimes=part.regimes,
            starts=part.start,
            lower_after=part.lower_after,
            hold=Hold(seconds=part.hold.seconds, or_count=part.hold.or_count or 0) if part.hold else None,
        )
    )


def _silence(reader: Reader, path: Where, part: SilencePart, gathered: Gathered) -> None:
    place = _claim(reader, path, part.id, gathered)
    match = _match(reader, path, part.match)
    if not match.wants:
        _warn(reader, path, "mutes every signal while it holds: it has no match")
    window = read_window(reader, (*path, "window"), part.window)
    if window is not None:
        gathered.windows.append(
            WindowRule(id=part.id, place=place, match=match, window=window, because=part.because)
        )


def _group(reader: Reader, path: Where, part: GroupPart, gathered: Gathered) -> None:
    place = _claim(reader, path, part.id, gathered)
    if len(set(part.by)) < len(part.by):
        reader.add((*path, "by"), "names something twice")
    if part.within and part.at_most and part.within > part.at_most:
        reader.add((*path, "within"), "longer than at_most, so it never ends a group")
    gathered.groups.append(
        GroupRule(
            id=part.id,
            place=place,
            match=_match(reader, path, part.match),
            by=part.by,
            within=part.within,
            at_most=part.at_most,
        )
    )


def _match(reader: Reader, path: Where, part: MatchPart) -> Match:
    """What is of a few known words is checked here; sources and services need the configuration."""
    for name, known in _KNOWN.items():
        for number, value in enumerate(getattr(part, name) or ()):
            if value not in known:
                at = _listed(reader, (*path, "match", name), number)
                near = suggest(value, known)
                reader.add(at, f"{quoted(value)} is not allowed here{near}", allowed=known)
    wants = {name: values for name in _FIELDS if (values := getattr(part, name)) is not None}
    wants.update((f"labels.{name}", values) for name, values in part.labels.items())
    return Match(wants)


def _condition(reader: Reader, path: Where, expression: str | None) -> Condition | None:
    if expression is None:
        return None
    at = (*path, "when")
    try:
        condition = Condition(expression)
    except BadCondition as error:
        for mistake in error.mistakes:
            _point(reader, at, expression, mistake.offset, mistake.message)
        return None
    for label, offset in condition.reads.unguarded:
        message = (
            f"labels.{label} errs for a signal without that label; "
            f'write labels.get("{label}"), or has(labels.{label}) && ...'
        )
        _point(reader, at, expression, offset, message, warning=True)
    return condition


def _point(
    reader: Reader, path: Where, expression: str, offset: int, message: str, *, warning: bool = False
) -> None:
    """A problem at an offset of the expression, as a place in the file."""
    document = reader.document
    line, column = position_in(document.lines, document.position(path), expression, offset)
    problem = document.problem(path, message, severity="warning" if warning else "error")
    reader.problems.append(
        replace(
            problem,
            line=line,
            column=column,
            path=reader.spoken(path),
            source_line=document.lines[line - 1][:200] if line <= len(document.lines) else "",
        )
    )


def _warn(reader: Reader, path: Where, message: str) -> None:
    problem = reader.document.problem(path, message, severity="warning")
    reader.problems.append(replace(problem, path=reader.spoken(path)))
