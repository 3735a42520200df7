"""Small rows that stand beside the incidents: what people set at run time, and what irpd keeps of others.

Silences, overrides and their like are few and small; all of them are in memory, and each is stored as one row
under its kind and key. A further kind is a struct here or beside, its events, and its name in the journal's
list of kinds (``journal.codec``); nothing else knows them one by one. What is over is dropped by the event
that replaces or follows it, so their number stays bounded.
"""

from typing import ClassVar

from msgspec import Struct


class Standing(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One of them. ``kind`` is what it is stored under for ever; ``key`` names it within its kind."""

    kind: ClassVar[str]

    @property
    def key(self) -> str:
        """Each kind says its own; Struct's metaclass leaves no room for that of ABC."""
        raise NotImplementedError
