"""What a level and a group are decided on: everything a rule may look at, gathered in one value."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from irpd.model.share import Share


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One signal as rules see it, with what its incident has gathered so far.

    ``service`` is the service that claimed the signal, ``share`` the incident's share of users,
    ``reporters`` its distinct ticket reporters, ``signals`` how many signals it has (this one included),
    ``open_minutes`` how long it has been open (0 for a new one), ``count`` how often this signal was
    reported, ``at`` the instant of the decision (aware).
    """

    source: str
    source_type: str
    service: str
    status: str
    title: str
    labels: Mapping[str, str]
    share: Share
    at: datetime
    text: str = ""
    project: str = ""
    reporters: int = 0
    signals: int = 1
    open_minutes: int = 0
    count: int = 1
