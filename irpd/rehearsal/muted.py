"""What is muted or held at the end of a timeline, and whether it is what its test says, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from irpd.triage.report import Difference
from irpd.triage.testfile import MutedPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Muted:
    """``kind`` and ``by`` as in ``MutedPart``, ``reason`` in words."""

    title: str
    kind: str
    by: str = ""
    reason: str = ""

    def fits(self, part: MutedPart) -> bool:
        return all(
            want is None or want == got
            for want, got in ((part.title, self.title), (part.kind, self.kind), (part.by, self.by))
        )


def muted_otherwise(wanted: Sequence[MutedPart], there: Sequence[Muted]) -> Iterator[Difference]:
    """One difference at most. What says most of itself chooses first, so that a bare title takes what is
    left."""
    left = list(there)
    missing = False
    for part in sorted(wanted, key=lambda part: -len(part.model_fields_set)):
        fits = next((one for one in left if one.fits(part)), None)
        if fits is None:
            missing = True
        else:
            left.remove(fits)
    if missing or left:
        why = any(part.kind is not None or part.by is not None for part in wanted)
        shown = [_shown(one.title, one.kind, one.by) if why else one.title for one in there]
        meant = sorted(_shown(part.title or "", part.kind or "", part.by or "") for part in wanted)
        yield Difference(field="muted", wanted=f"[{', '.join(meant)}]", got=f"[{', '.join(sorted(shown))}]")


def _shown(title: str, kind: str, by: str) -> str:
    return " ".join(
        word for word in (title, f"({kind} {by})".replace(" )", ")") if kind or by else "") if word
    )
