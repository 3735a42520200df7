"""Not built yet: every body is unreadable."""

from collections.abc import Mapping
from datetime import datetime

from irpd.engine.ports import Normalised
from irpd.intake.auth import Scheme
from irpd.intake.context import Context, Read
from irpd.intake.reading import Unreadable

KEEP_HEADERS: tuple[str, ...] = ()
SIGNATURE: Scheme | None = None


def build(context: Context) -> Read:
    def read(body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        raise Unreadable("not built")

    return read
