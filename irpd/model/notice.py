"""What a message to an audience says, before any language or medium has its way with it.

A notice is made when the message is decided on and stands in its event, so the words can be made of it at any
time: when a draft is looked at, when it is sent, when a mail server that was down takes it an hour later.
Facts of the incident are copied in; what nobody has said yet stays empty, and the template says so in its
language.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from irpd.model.level import Level
from irpd.model.share import UNKNOWN, Share
from irpd.model.stage import Stage


class Template(StrEnum):
    """The protocol's three."""

    INITIAL = "initial"
    UPDATE = "update"
    RESOLUTION = "resolution"


class News(StrEnum):
    """What irpd itself has to say where a person would say what was done."""

    REOPENED = "reopened"
    EXTENDED = "extended"  # it is past its resolution target
    ABSORBED = "absorbed"  # other incidents became part of this one
    BY_ITSELF = "by-itself"  # all signals resolved, and it ended


class Notice(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """``services`` are their names for people. ``next_update`` None: as needed. ``report_within`` in seconds;
    0: no report is due. Times are UTC; None: not known."""

    template: Template
    audience: str
    incident: int
    level: Level
    title: str
    language: str = "en"
    time_zone: str = "UTC"
    by: str = ""  # the person who says it; empty: irpd, because the protocol asks for it
    drill: bool = False
    services: tuple[str, ...] = ()
    share: Share = UNKNOWN
    stage: Stage = Stage.DETECTION
    impact: str = ""
    workaround: str = ""
    progress: str = ""
    news: News | None = None
    absorbs: tuple[int, ...] = ()  # the incidents that became part of this one
    estimated_resolution: datetime | None = None
    next_update: datetime | None = None
    resolved_at: datetime | None = None
    root_cause: str = ""
    resolution: str = ""
    prevention: str = ""
    impact_from: datetime | None = None
    impact_to: datetime | None = None
    report_within: float = 0.0


class DraftedNotice(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A notice that waits for somebody's approval. ``by`` "": irpd."""

    notice: Notice
    at: datetime
    by: str = ""


class LastTold(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What an audience was told last, as far as it shows what has changed since. Texts are cut."""

    at: datetime
    template: Template
    level: Level
    stage: Stage
    services: tuple[str, ...] = ()
    affected: int | None = None
    users: int | None = None
    impact: str = ""
    workaround: str = ""
    estimated_resolution: datetime | None = None


#: Characters of a text that is kept of what was told.
KEPT = 200


def last_told(notice: Notice, at: datetime) -> LastTold:
    """What is kept of a notice that goes out."""
    return LastTold(
        at=at,
        template=notice.template,
        level=notice.level,
        stage=notice.stage,
        services=notice.services,
        affected=notice.share.affected,
        users=notice.share.users,
        impact=notice.impact[:KEPT],
        workaround=notice.workaround[:KEPT],
        estimated_resolution=notice.estimated_resolution,
    )
