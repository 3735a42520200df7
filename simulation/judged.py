"""One decision as it is judged, and how it is said that something doesn't hold."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import msgspec

from irpd.config.values import Configuration
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Member
from irpd.protocol.rows import Rows


class Violation(Exception):
    """Something that must hold doesn't. ``name`` is the rule's, one of ``docs/simulation.md``."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    command: c.Command
    before: Rows
    after: Rows
    events: Sequence[tuple[str, e.AnyEvent]]
    configuration: Configuration
    now: datetime
    unhinged: Collection[int] = ()  # incidents that a planted failure has paged at any hour
    left: Collection[int] = ()  # incidents that the end of shadow mode left alone
    last: Callable[[str], Member | None] = lambda _: None  # the newest row of a key, in memory or not


def holds(condition: object, name: str, text: object) -> None:
    if not condition:
        raise Violation(name, str(text))
