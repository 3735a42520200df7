"""An incident to write about, as the texts of the documentation have it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from irpd.comms.story import Subject
from irpd.config.values import Configuration
from irpd.model.incident import Incident, LevelBy, Member, MemberStatus, PathRun, Step
from irpd.model.level import Level
from irpd.model.page import Page, PageKind
from irpd.model.share import Share

NOW = datetime(2026, 11, 24, 2, 2, 11, 482_000, tzinfo=UTC)


def configuration() -> Configuration:
    return Configuration.model_validate(
        {
            "version": 1,
            "unmapped": "checkout",
            "fallback": ("emil",),
            "services": {"checkout": {"title": "Checkout", "runbook": "https://runbooks.example/checkout"}},
            "channels": {},
            "notify": {},
            "paths": {},
            "people": {
                "asha": {"name": "Asha Rao", "time_zone": "Europe/Berlin"},
                "chi": {"name": "Chi Okafor", "time_zone": "Africa/Lagos"},
                "utc": {"name": "Zulu"},
                "lost": {"name": "Lost", "time_zone": "Mars/Olympus"},
            },
        }
    )


def make(**changes: object) -> Subject:
    """A subject; keys that a page or a member has, or the incident, change those."""
    incident = Incident(
        number=42,
        title="Payments failing",
        services=("checkout",),
        level=Level.CRITICAL,
        level_by=LevelBy(
            "rule", "payments-failing", None, "payment processing failure is critical at any share of users"
        ),
        opened_at=NOW,
        share=Share(2400, 120_000, 2400, 120_000, "label"),
        firing=3,
        members=3,
        respond_by=NOW + timedelta(minutes=15),
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
            ),
        ),
    )
    member = Member(
        sid=1,
        incident=42,
        n=1,
        key="alertmanager/9f2c",
        source="alertmanager",
        status=MemberStatus.FIRING,
        title="PaymentErrors",
        service="checkout",
        first_seen=NOW,
        last_seen=NOW + timedelta(minutes=2),
        labels={"alertname": "PaymentErrors", "instance": "pay-2"},
        runbook="https://runbooks.example/pay",
    )
    page = Page(
        id="42-1",
        incident=42,
        person="asha",
        kind=PageKind.PAGE,
        reason="step",
        requested_at=NOW,
        expires_at=NOW + timedelta(hours=4),
        sends=(),
        path="engineering",
        step=1,
        next_person="chi",
        next_at=NOW + timedelta(minutes=5),
    )
    values: dict[str, object] = {
        "page": replace(page, **changes.pop("page", {})),  # type: ignore[arg-type]
        "members": [replace(member, **changes.pop("member", {}))],  # type: ignore[arg-type]
        "incident": replace(incident, **changes.pop("incident", {})),  # type: ignore[arg-type]
        "configuration": configuration(),
        "now": NOW,
        "link": "https://irpd.example.com/a/7Kq2mXw9Rt",
        "cant_link": "https://irpd.example.com/a/7Kq2mXw9Rt/cant",
    }
    return Subject(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def about() -> Callable[..., Subject]:
    return make
