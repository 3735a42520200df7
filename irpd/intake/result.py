"""Answers of reading a body, where something could not be understood or says nothing."""

from collections.abc import Sequence

from irpd.engine.ports import Normalised
from irpd.intake.text import cut, one_line
from irpd.model.signal import MAX_VALUE, Signal, Status

KEY = "unreadable"
_NAMED = 20  # problems that are spelled out


def unreadable(source: str, problem: str) -> Normalised:
    """A body that says nothing we understand: one signal that asks somebody to look."""
    return with_problems(source, (), (problem,))


def with_problems(
    source: str, signals: tuple[Signal, ...], problems: Sequence[str], *, group: str = ""
) -> Normalised:
    """The signals that were understood, and one more for all that was not."""
    if not problems:
        return Normalised(signals=signals, accepted=len(signals), group=group)
    problems = tuple(one_line(problem) for problem in problems)
    named = "; ".join(problems[:_NAMED])
    if len(problems) > _NAMED:
        named += f"; and {len(problems) - _NAMED} more"
    look = Signal(
        key=KEY,
        status=Status.FIRING,
        title=one_line(f"Unreadable report from {source}"),
        text=cut(named, MAX_VALUE),
        unreadable=cut(named, MAX_VALUE),
    )
    return Normalised(signals=(*signals, look), accepted=len(signals), unreadable=problems, group=group)


def nothing(*, group: str = "") -> Normalised:
    """A body that is understood and means nothing to irpd (an installation, a deleted comment)."""
    return Normalised(signals=(), accepted=0, group=group)
