"""A word before a shift: a message about no incident that asks for nothing.

The same few sentences for every medium; each escapes and cuts them as it must.
"""

from dataclasses import dataclass

from irpd.comms import clean
from irpd.comms.story import Subject, When, person_name
from irpd.model.level import Level
from irpd.model.shift import OpenNow, ShiftWord


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """``title`` stands alone; ``lines`` say it whole."""

    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def shift_said(subject: Subject) -> Said:
    """A word before a shift, for the person whose it is."""
    word = subject.page.shift
    if word is None:
        return Said(title="irpd", lines=(clean.block(subject.page.text) or "Nothing to do.",))
    when, schedule = When(subject), clean.line(word.schedule, 63)
    begun = word.begins <= subject.now
    title = f"On call {'since' if begun else 'from'} {when.short(word.begins)}: {schedule}"
    return Said(
        title=title, lines=(_shift(word, schedule, when, subject, begun=begun), *_open(word, subject))
    )


def _shift(word: ShiftWord, schedule: str, when: When, subject: Subject, *, begun: bool) -> str:
    ends = f" and ends {when.short(word.ends)}" if word.ends is not None else ""
    before = f"{person_name(subject.configuration, word.after)} hands over." if word.after else ""
    said = f"Your shift on {schedule} {'began' if begun else 'begins'} {when.short(word.begins)}{ends}."
    return f"{said} {before or 'Nobody is on call before you.'}"


def _open(word: ShiftWord, subject: Subject) -> list[str]:
    if not word.incidents:
        return ["Nothing of it is open."]
    more = [f"and {word.more} more"] if word.more else []
    return ["Open now:", *(_line(one, subject) for one in word.incidents), *more]


def _line(one: OpenNow, subject: Subject) -> str:
    people = [person_name(subject.configuration, person) for person in one.has[:3]]
    has = f"{' and '.join(people)} {'has' if len(people) == 1 else 'have'} it" if people else "nobody has it"
    title = clean.line(one.title, 120) or "(no title)"
    return f"#{one.number} {Level(one.level).name} {title}: {has}"
