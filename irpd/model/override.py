"""Overrides: what people change in a schedule at run time, and absences, which change all of them."""

from datetime import datetime
from typing import ClassVar

from irpd.model.standing import Standing


class Override(Standing, frozen=True, omit_defaults=True, kw_only=True):
    """From ``since`` until before ``until``, on ``schedule`` ("" for every one): ``person`` is on call; or,
    where that is "", ``away`` isn't; or, where both are "", whoever would be isn't. Who isn't there hands
    over to the layer below, else to the next person in the rotation. Of two, the one with the higher ``id``
    holds."""

    kind: ClassVar[str] = "override"
    id: int
    since: datetime
    until: datetime
    by: str
    because: str = ""
    schedule: str = ""
    person: str = ""
    away: str = ""

    @property
    def key(self) -> str:
        return str(self.id)
