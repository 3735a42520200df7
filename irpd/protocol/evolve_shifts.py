"""How events change what is known of shifts that begin."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.shift import ComingShift, key_of
from irpd.protocol.rows import Rows, Torn

#: The subject of these events.
SHIFTS = "shifts"
#: So long after its beginning a shift is remembered, so that nobody is told twice.
KEPT = timedelta(days=2)


def evolve_shifts(rows: Rows, event: e.AnyEvent, at: datetime) -> None:
    """Apply one event of this subject."""
    match event:
        case e.ShiftTold():
            _drop_old(rows, at)
            rows.put_standing(replace(_shift(rows, event), told_at=at))
        case e.ShiftTested():
            _drop_old(rows, at)
            shift = _shift(rows, event)
            rows.put_standing(replace(shift, tested_at=at, test=event.page, judge_at=event.judge_at))
        case e.ShiftTestJudged():
            rows.put_standing(replace(_shift(rows, event), judge_at=None))
        case _:
            raise Torn(f"{type(event).__name__} can't happen to shifts")


def _shift(rows: Rows, event: e.ShiftTold | e.ShiftTested | e.ShiftTestJudged) -> ComingShift:
    known = rows.stands(ComingShift, key_of(event.schedule, event.person, event.begins))
    return known or ComingShift(schedule=event.schedule, person=event.person, begins=event.begins)


def _drop_old(rows: Rows, at: datetime) -> None:
    for one in rows.all_standing(ComingShift):
        if one.begins + KEPT <= at:
            rows.drop_standing(one)
