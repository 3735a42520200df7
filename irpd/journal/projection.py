"""Which rows of the projection are live, and the projection's version.

The projection is what the events come to. It is kept so that a start needn't read all history;
when the code that folds events into rows changes its results, ``VERSION`` is raised, and the next
start rebuilds every row.
"""

from collections.abc import Iterable, Mapping

from irpd.model.incident import Incident, Member
from irpd.model.page import Page, SendState
from irpd.protocol.rows import OUTSIDE_KEPT

VERSION = 3


def live(incident: Incident) -> bool:
    """Whether the incident is in the engine's memory: not over, or with something left to do about it."""
    return not incident.leaves


def awaited(page: Page) -> bool:
    """Whether the outbox still has something to do for the page, whatever became of its incident."""
    return page.live and any(send.state is SendState.PENDING for send in page.sends)


def newest_outside(counters: Mapping[str, int]) -> list[str]:
    """Ids of the newest pages about no incident (tests, words before a shift): those are kept in memory, so
    that their links and the ledger outlive a start."""
    last = counters.get("page", 0)
    return [f"0-{n}" for n in range(max(1, last - OUTSIDE_KEPT + 1), last + 1)]


def place(member: Member) -> int:
    """With which incident a signal's row is stored: 0 while it waits outside any, -1 once it has ended to."""
    return member.incident or (0 if member.waits is not None else -1)


def sought(key: str) -> bool:
    """Whether a signal with this key is ever looked up by it once it has left memory. An index of all keys
    would be a third of what a commit writes: each new one falls on a page of its own."""
    return "/issue:" in key


def in_order(pages: Iterable[Page]) -> list[Page]:
    """Oldest first (``42-9`` before ``42-10``)."""
    return sorted(pages, key=lambda page: (page.requested_at, len(page.id), page.id))
