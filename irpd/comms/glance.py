"""The first two lines of every message: all that a lock screen shows of it.

On a phone 360 pixels wide a line holds about ``WIDTH`` columns, and what wraps pushes down what comes after
it. So the first line says what is wrong and how bad, the second since when and what to press, and each fits
into one; what found no room there (``more``, ``facts``) follows below, so that nothing is lost. Whoever only
reads is told the news in place of what to press.
"""

from dataclasses import dataclass

from irpd.comms import clean
from irpd.comms.story import Story
from irpd.model.page import PageKind

WIDTH = 45
#: Columns of its title that a message keeps in its first line; rather than fewer the service goes below.
TITLE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """``more``: whole sentences that were cut above; ``facts``: short ones that were left out there."""

    first: str
    second: str
    more: tuple[str, ...]
    facts: tuple[str, ...]

    @property
    def fact_line(self) -> str:
        return " · ".join(self.facts)


def glance(story: Story, *, mark: int = 0, width: int = WIDTH) -> Glance:
    """The two lines of a story, of ``width`` columns. ``mark``: those that the medium puts before them."""
    more: list[str] = []
    first, service = _first(story, width - mark)
    if not first.endswith(story.title):
        more.append(story.title)
    second, said = _second(story, width)
    if story.news and not second.endswith(story.news):
        more.append(story.news)
    if story.has_it and not said.has_it:
        more.append(f"{sentence(story.has_it)}.")
    if story.remark:
        more.append(story.remark)
    facts = (
        "" if service else story.service,
        story.users_short,
        "" if said.zone else f"since {story.since_short}",
        f"respond by {story.respond_by}" if story.asks and story.respond_by and not said.by else "",
        story.signals_short,
    )
    return Glance(first=first, second=second, more=tuple(more), facts=tuple(fact for fact in facts if fact))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the second line has said already."""

    zone: bool = False
    by: bool = False
    has_it: bool = False


def _first(story: Story, width: int) -> tuple[str, bool]:
    """The line, and whether the service is in it."""
    head, title = f"{story.ref} {story.severity}", story.title
    with_service = f"{head} · {story.service} · "
    room = width - clean.columns(with_service)
    if story.service and room >= min(TITLE, clean.columns(title)):
        return with_service + clean.cut_columns(title, room), True
    return f"{head} · {clean.cut_columns(title, width - clean.columns(head) - 3)}", not story.service


def _second(story: Story, width: int) -> tuple[str, _Said]:
    if story.asks:
        return _asking(story, width)
    if story.ended:
        by = f" by {story.over_by}" if story.over_by else ""
        whole, short = (f"{story.over}{one}. Nothing to do." for one in (by, ""))
        return _fitting(width, (whole, _Said(has_it=True)), short, "It is over. Nothing to do.")
    if story.has_it and not story.news:
        told = sentence(story.has_it)
        whole = f"{told}." if story.yours else f"{told}. Nothing to do."
        return _fitting(width, (whole, _Said(has_it=True)), clean.cut_columns(told, width))
    since, zoned = f"Since {story.since_clock}", f"Since {story.since_short}"
    if story.kind is PageKind.QUIET:
        whole = f"{zoned}. No hurry: press Open."
        return _fitting(width, (whole, _Said(zone=True)), f"{since}. Press Open.")
    news = story.news or "There is news. Press Open."
    return clean.cut_columns(f"{since}. {news}", width), _Said()


def _asking(story: Story, width: int) -> tuple[str, _Said]:
    since, zoned = f"Since {story.since_clock}", f"Since {story.since_short}"
    press = f"{story.ask} I have it" if story.ask else "Press I have it"
    by = f" by {story.respond_by}"
    timed = story.respond_by and not story.ask
    return _fitting(
        width,
        *([(f"{zoned}. {press}{by}.", _Said(zone=True, by=True)),
           (f"{since}. {press}{by}.", _Said(by=True))] if timed else []),
        (f"{zoned}. {press}.", _Said(zone=True)),
        (f"{since}. {press}.", _Said()),
        f"{since}. Press I have it.",
    )  # fmt: skip


def _fitting(width: int, *candidates: tuple[str, _Said] | str) -> tuple[str, _Said]:
    """The first that is short enough; the last whatever it is."""
    told = [(one, _Said()) if isinstance(one, str) else one for one in candidates]
    return next((one for one in told if clean.columns(one[0]) <= width), told[-1])


def sentence(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]
