"""How events change whether shadow mode holds."""

from datetime import datetime

from irpd.model import event as e
from irpd.model.shadow import Shadow
from irpd.protocol.rows import Rows, Torn

#: The subject of these events, and the key of the row.
SHADOW = "shadow"


def evolve_shadow(rows: Rows, event: e.AnyEvent, at: datetime) -> None:
    """Apply one event of this subject. Raises Torn if it speaks of what isn't there."""
    match event:
        case e.ShadowBegan():
            rows.put_standing(Shadow(since=at))
        case e.ShadowEnded():
            holds = rows.stands(Shadow, SHADOW)
            if holds is None:
                raise Torn("shadow mode does not hold")
            rows.drop_standing(holds)
        case _:
            raise Torn(f"{type(event).__name__} can't happen to shadow mode")
