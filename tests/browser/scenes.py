"""What a person meets on a phone, as pages that a browser shows: made by the code that sends and serves them,
of one incident at one time, so that they look the same whenever they are made."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from irpd.comms.several import several
from irpd.comms.story import Subject
from irpd.comms.texts import mail_text
from irpd.config.load import load_configuration
from irpd.config.values import Configuration
from irpd.model.incident import Incident, LevelBy, Member, MemberStatus, PathRun, State, Step
from irpd.model.level import Level
from irpd.model.page import Page, PageKind
from irpd.model.share import Share
from irpd.web.html import acknowledge_html, lost, shifts_html, why_html
from irpd.web.screen import screen_for
from irpd.web.shifts import person_page, schedule_page

BEGAN = datetime(2026, 11, 24, 2, 2, 11, tzinfo=UTC)
NOW = BEGAN + timedelta(minutes=4)
LINK = "https://irpd.example.com/a/7Kq2mXw9RtB"
LONG = "HighErrorRate: checkout-api p99 latency above 2s for 10m in eu-west-1 since deploy 1182, all pods"
RIGHT_TO_LEFT = "الدفع فشل في المتجر منذ دقائق، 500 خطأ"


@cache
def configuration() -> Configuration:
    return load_configuration([Path(__file__).resolve().parents[2] / "config"]).configuration


def incident(**changes: object) -> Incident:
    made = Incident(
        number=42,
        title="Payments failing",
        services=("checkout",),
        level=Level.CRITICAL,
        level_by=LevelBy(
            "rule", "payments-failing", None, "payment processing failure is critical at any share of users"
        ),
        opened_at=BEGAN,
        share=Share(2400, 120_000, 2400, 120_000, "label"),
        firing=3,
        members=3,
        respond_by=BEGAN + timedelta(minutes=15),
        respond_state="running",
        paths=(
            PathRun(
                name="engineering",
                kind="technical",
                steps=(
                    Step(wait=300, schedule="first-responder"),
                    Step(wait=600, person="chi", title="Technical Lead"),
                ),
                repeat=2,
                every=900,
                next_at=BEGAN + timedelta(minutes=5),
            ),
        ),
    )
    return replace(made, **changes)


def page(**changes: object) -> Page:
    made = Page(
        id="42-1",
        incident=42,
        person="asha",
        kind=PageKind.PAGE,
        reason="step",
        requested_at=BEGAN,
        expires_at=BEGAN + timedelta(hours=4),
        sends=(),
        path="engineering",
        step=1,
        next_person="chi",
        next_at=BEGAN + timedelta(minutes=5),
    )
    return replace(made, **changes)


def members(count: int = 3, **changes: object) -> list[Member]:
    made = Member(
        sid=1,
        incident=42,
        n=1,
        key="alertmanager/9f2c",
        source="alertmanager",
        status=MemberStatus.FIRING,
        title="PaymentErrors",
        service="checkout",
        first_seen=BEGAN,
        last_seen=BEGAN + timedelta(minutes=2),
        labels={"alertname": "PaymentErrors", "instance": "pay-2"},
        runbook="https://runbooks.example/pay",
        dashboard="https://grafana.example/d/pay",
    )
    return [replace(made, sid=n, n=n, **changes) for n in range(1, count + 1)]


TAKEN = {
    "state": State.ACKNOWLEDGED,
    "acknowledged_at": NOW,
    "first_acknowledged_at": NOW,
    "respond_state": "met",
    "paths": (),
}
OVER = {"state": State.RESOLVED, "resolved_at": BEGAN + timedelta(minutes=68), "resolved_by": "chi"}


def answer_page(
    of: Incident | None,
    *,
    for_page: Page | None = None,
    now: datetime = NOW,
    said: str = "",
    notice: str = "",
    note: str = "",
    cant_first: bool = False,
    signals: list[Member] | None = None,
    asked: tuple[Page, ...] = (),
) -> str:
    """The page behind the link."""
    screen = screen_for(
        for_page or page(),
        of,
        members() if signals is None else signals,
        configuration(),
        now,
        asked=asked,
    )
    return acknowledge_html(
        screen,
        token="7Kq2mXw9RtB",
        base="",
        notice=notice,
        said=said,
        note=note,
        cant_first=cant_first,
        server="https://irpd.example.com",
    )


def subject(of: Incident, for_page: Page | None = None, *, code: str = "K7", link: str = LINK) -> Subject:
    return Subject(
        page=for_page or page(),
        incident=of,
        members=members(),
        configuration=configuration(),
        now=NOW,
        link=link,
        cant_link=f"{link}/cant",
        code=code,
    )


def _several() -> str:
    login = incident(number=43, title="Sign-in slow", services=("login",), level=Level.HIGH)
    others = [
        subject(login, link=f"{LINK}2"),
        subject(incident(number=44, title=LONG, level=Level.MEDIUM), link=f"{LINK}3"),
    ]
    return several("smtp", [subject(incident()), *others]).html


def _mail(of: Incident, for_page: Page | None = None) -> str:
    return mail_text(subject(of, for_page)).html


def _lost(status: int, title: str, text: str) -> str:
    return str(lost(status, title, text).text)


_PASSED = (page(), page(id="42-2", person="chi", requested_at=NOW))
_UPDATE = page(kind=PageKind.UPDATE, text="Another signal joined: pay-3 (42.3).")

LATER = NOW + timedelta(hours=1, minutes=1)
_STALE = page(
    reason="stale",
    path="",
    requested_at=NOW + timedelta(hours=1),
    text="You have it and nothing was done about it for 1h. A note or I have it once more keeps it yours; "
    "else paging goes on in 15m.",
)

ANSWERING: dict[str, Callable[[], str]] = {
    "asking": lambda: answer_page(incident()),
    "asking-high": lambda: answer_page(incident(level=Level.HIGH, title="Sign-in slow", services=("login",))),
    "asking-medium": lambda: answer_page(incident(level=Level.MEDIUM)),
    "asking-low": lambda: answer_page(incident(level=Level.LOW)),
    "asking-drill": lambda: answer_page(incident(drill=True)),
    "asking-long": lambda: answer_page(incident(title=LONG, share=Share())),
    "asking-right-to-left": lambda: answer_page(incident(title=RIGHT_TO_LEFT)),
    "taken": lambda: answer_page(incident(acknowledged_by=("asha",), **TAKEN)),
    "late": lambda: answer_page(
        incident(acknowledged_by=("ben",), **TAKEN), now=NOW + timedelta(minutes=3), asked=_PASSED
    ),
    "cant": lambda: answer_page(incident(), cant_first=True),
    "handed-on": lambda: answer_page(
        incident(declined_by=("asha",)), asked=_PASSED, said="Passed on: Chi Okafor was paged."
    ),
    "noted": lambda: answer_page(incident(acknowledged_by=("asha",), **TAKEN), said="Noted on #42."),
    "undone": lambda: answer_page(incident(), said="Undone; Asha Rao is paged."),
    "confirm": lambda: answer_page(
        incident(firing=0, acknowledged_by=("asha",), **TAKEN), signals=members(status=MemberStatus.RESOLVED)
    ),
    "not-saved": lambda: answer_page(
        incident(), notice="irpd could not save that just now. Please press again.", note="looking at pay-2"
    ),
    "over": lambda: answer_page(incident(**OVER), now=BEGAN + timedelta(minutes=70)),
    "expired": lambda: answer_page(incident(**OVER), now=BEGAN + timedelta(hours=80)),
    "merged": lambda: answer_page(incident(state=State.MERGED, merged_into=41)),
    "told": lambda: answer_page(incident(), for_page=_UPDATE),
    "test": lambda: answer_page(None, for_page=page(id="0-1", incident=0, kind=PageKind.TEST)),
    "tested": lambda: answer_page(None, for_page=page(id="0-1", incident=0, kind=PageKind.TEST, seen_at=NOW)),
    "still": lambda: answer_page(incident(acknowledged_by=("asha",), **TAKEN), for_page=_STALE, now=LATER),
    "why": lambda: why_html(
        "Why #42 is level 1", [("03:02 (Europe/Berlin)", ["level 1  <- payments-failing"])], token="t"
    ),
    "shifts": lambda: shifts_html(person_page(configuration(), "asha", NOW)),
    "shifts-of-schedule": lambda: shifts_html(schedule_page(configuration(), "first-responder", NOW)),
    "unknown": lambda: _lost(404, "No such link", "Open the link from the newest message."),
}
MAILS: dict[str, Callable[[], str]] = {
    "mail": lambda: _mail(incident()),
    "mail-long": lambda: _mail(incident(title=LONG)),
    "mail-right-to-left": lambda: _mail(incident(title=RIGHT_TO_LEFT)),
    "mail-drill": lambda: _mail(incident(drill=True, level=Level.HIGH)),
    "mail-quiet": lambda: _mail(incident(level=Level.LOW), page(kind=PageKind.QUIET)),
    "mail-update": lambda: _mail(incident(acknowledged_by=("asha",), **TAKEN), _UPDATE),
    "mail-over": lambda: _mail(incident(**OVER), page(kind=PageKind.UPDATE, reason="over")),
    "mail-several": _several,
}
