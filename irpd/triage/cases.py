"""The tests of a rule file into cases and timelines: what their models leave open is checked here."""

from dataclasses import dataclass, field

from irpd.triage.moment import parse_moment
from irpd.triage.reading import Reader, Where
from irpd.triage.rule import Case, Place, Timeline
from irpd.triage.testfile import CasePart, ExpectPart, GivenPart, StepPart, TestPart

#: Expectations that only a timeline can have; all others only a case.
AT_THE_END = frozenset({"incidents", "paged", "told", "muted"})
_REPORTS = ("post", "signal")
_ACTS = ("acknowledge", "cant", "escalate", "resolve", "silence", "end_silence")
_HAPPENS = (*_REPORTS, *_ACTS, "answer")


@dataclass(slots=True)
class Tests:
    """All tests of the files read so far."""

    __test__ = False  # not a test of pytest's

    cases: list[Case] = field(default_factory=list)
    timelines: list[Timeline] = field(default_factory=list)


def place_of(reader: Reader, path: Where) -> Place:
    line, column = reader.document.position(path)
    return Place(file=reader.document.file, line=line, column=column)


def read_test(reader: Reader, path: Where, part: TestPart, into: Tests) -> None:
    """Adds the test's cases or its timeline; what is wrong goes to the reader's problems."""
    if part.at is not None:
        _moment(reader, (*path, "at"), part.at)
    if part.timeline is not None:
        _timeline(reader, path, part, part.timeline, into)
        return
    if part.until is not None:
        reader.add((*path, "until"), "is for a timeline", key=True)
    paths: list[tuple[Where, CasePart]] = []
    single = part.given is not None or part.expect is not None
    if single and part.cases is not None:
        reader.add(path, "either given and expect, or cases")
    elif part.cases is not None:
        paths = [((*path, "cases", number), case) for number, case in enumerate(part.cases)]
    elif part.given is not None and part.expect is not None:
        paths = [(path, CasePart(given=part.given, expect=part.expect))]
    else:
        reader.add(path, "a test needs given and expect, or cases, or timeline and expect")
    for at, case in paths:
        given = case.given
        if given.at is not None:
            _moment(reader, (*at, "given", "at"), given.at)
        _expect(reader, (*at, "expect"), case.expect, timeline=False)
        _share(reader, at, given)
        name = part.name if at == path else f"{part.name}, case {int(at[-1]) + 1}"
        moment = given.at or part.at
        into.cases.append(
            Case(name=name, place=place_of(reader, at), given=given, expect=case.expect, at=moment)
        )


def _timeline(reader: Reader, path: Where, part: TestPart, steps: tuple[StepPart, ...], into: Tests) -> None:
    if part.given is not None or part.cases is not None:
        reader.add((*path, "timeline"), "either a timeline, or given, or cases", key=True)
        return
    expect = part.expect or ExpectPart()
    _expect(reader, (*path, "expect"), expect, timeline=True)
    before = 0.0
    for number, step in enumerate(steps):
        at = (*path, "timeline", number)
        _step(reader, at, step)
        if step.after < before:
            reader.add((*at, "after"), "earlier than the step before; time goes on")
        before = max(before, step.after)
    said = [*(expect.paged or ()), *(expect.told or ())]
    last = max([before, *(message.after for message in said)])
    if part.until is not None and part.until < last:
        reader.add((*path, "until"), "earlier than the last after of the test")
    placed = tuple((place_of(reader, (*path, "timeline", n)), step) for n, step in enumerate(steps))
    into.timelines.append(
        Timeline(
            name=part.name,
            place=place_of(reader, path),
            steps=placed,
            until=max(last, part.until or 0.0),
            expect=expect,
            at=part.at,
        )
    )


def _step(reader: Reader, path: Where, step: StepPart) -> None:
    does = [name for name in _HAPPENS if getattr(step, name) is not None]
    if len(does) != 1:
        what = f"{' and '.join(does)} in one step" if does else "nothing happens in it"
        reader.add(path, f"{what}; one of {', '.join(_HAPPENS)}")
        return
    (name,) = does
    needs = "to" if name in _REPORTS else "by" if name in _ACTS else ""
    if needs and getattr(step, needs) is None:
        reader.add(path, f"{needs} is missing: {'the source' if needs == 'to' else 'who'}")
    for other in ("to", "by"):
        if other != needs and getattr(step, other) is not None:
            reader.add((*path, other), f"is not for {name}", key=True)
    number = getattr(step, name)
    if isinstance(number, int) and number < 1:
        silence = name == "end_silence"
        what = "a silence, 1 for the first" if silence else "an incident, 1 for the first that opens"
        reader.add((*path, name), f"the number of {what}")
    if step.answer is not None and step.answer.affected is step.answer.users is None:
        reader.add((*path, "answer"), "answers nothing: affected, users or both")


def _expect(reader: Reader, path: Where, expect: ExpectPart, *, timeline: bool) -> None:
    if not expect.model_fields_set:
        reader.add(path, "expects nothing, so it can't fail")
    for name in sorted(expect.model_fields_set):
        if (name in AT_THE_END) != timeline:
            instead = "of a case; say it of one of incidents" if timeline else "of a timeline"
            reader.add((*path, name), f"is {instead}", key=True)


def _share(reader: Reader, at: Where, given: GivenPart) -> None:
    if given.share is not None and (given.affected is not None or given.users is not None):
        reader.add((*at, "given", "share"), "either share, or affected with users", key=True)


def _moment(reader: Reader, path: Where, text: str) -> None:
    try:
        parse_moment(text)
    except ValueError as error:
        reader.add(path, str(error))
