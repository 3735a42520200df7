"""How events change the overrides of schedules."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.override import Override
from irpd.protocol.rows import Rows, Torn

#: The subject of these events.
OVERRIDES = "overrides"
#: So long one that is over is kept, so that the past can be shown as it was.
KEPT = timedelta(days=35)


def evolve_overrides(rows: Rows, event: e.AnyEvent, at: datetime) -> None:
    """Apply one event of this subject. Raises Torn if it speaks of what isn't there."""
    match event:
        case e.OverrideAdded():
            for one in rows.all_standing(Override):
                if one.until + KEPT <= at:
                    rows.drop_standing(one)
            rows.put_standing(event.override)
            rows.counters["override"] = event.override.id
        case e.OverrideEnded():
            ended = rows.stands(Override, event.id)
            if ended is None:
                raise Torn(f"override {event.id} does not exist")
            rows.put_standing(replace(ended, until=max(at, ended.since)))
        case _:
            raise Torn(f"{type(event).__name__} can't happen to overrides")
