"""What the responders have done about an incident, as far as later decisions need it.

It is part of the incident's row, so it stays small: who ended which item of a checklist and when, and the
facts that messages and the report are filled from. Results, actions and decisions in full are events.
"""

from datetime import datetime

from msgspec import Struct

from irpd.model.notice import DraftedNotice, LastTold


class ItemEnd(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """How an item of a stage's checklist ended: done, or set aside for a reason that stands in its event."""

    at: datetime
    by: str
    set_aside: bool = False


class Response(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """``items`` by the item's id; ``facts`` by name (``workaround``, ``root-cause``, ...), each at most
    ``LONGEST_FACT`` characters. ``told`` and ``drafts`` by audience. Times are UTC; None: not known."""

    items: dict[str, ItemEnd] = {}
    facts: dict[str, str] = {}
    estimated_resolution: datetime | None = None
    impact_to: datetime | None = None  # until when users were affected
    actions: int = 0
    decisions: int = 0
    told: dict[str, LastTold] = {}
    drafts: dict[str, DraftedNotice] = {}
    left_out: tuple[str, ...] = ()  # audiences that a person keeps out of it
    sending_until: datetime | None = None  # it stays in memory for its newest message until then


#: Characters of one fact, result or reason.
LONGEST_FACT = 2000
#: Of an incident that nobody has worked on.
NOTHING_YET = Response()
