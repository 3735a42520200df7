"""Who is on call at an instant, when people work, and how a person is reached. Pure.

Local time exists only in here and in ``comms``; everything else is aware UTC.
"""

from irpd.oncall.hours import next_working, working
from irpd.oncall.reach import methods_for, persons_for
from irpd.oncall.rotation import Shift, on_call_at, shift_at, shifts

__all__ = [
    "Shift",
    "methods_for",
    "next_working",
    "on_call_at",
    "persons_for",
    "shift_at",
    "shifts",
    "working",
]
