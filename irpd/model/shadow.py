"""Shadow mode: everything is taken in and decided, and nobody is told."""

from datetime import datetime
from typing import ClassVar

from irpd.model.standing import Standing


class Shadow(Standing, frozen=True, omit_defaults=True, kw_only=True):
    """It holds since then. There is at most one."""

    kind: ClassVar[str] = "shadow"
    since: datetime

    @property
    def key(self) -> str:
        return "shadow"
