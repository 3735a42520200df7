"""Services claim their signals; the first claim that holds decides."""

import pytest

from irpd.config.values import Claim, Configuration, Service
from irpd.model.signal import Signal, Status
from irpd.triage.service import ServiceIndex


def configured(services: dict[str, list[dict[str, object]]], unmapped: str = "platform") -> Configuration:
    return Configuration(
        version=1,
        unmapped=unmapped,
        fallback=("emil",),
        services={
            name: Service(signals=tuple(Claim.model_validate(claim) for claim in claims))
            for name, claims in services.items()
        },
        channels={},
        notify={},
        people={},
        paths={},
    )


def signal(labels: dict[str, str] | None = None, project: str = "", service: str = "") -> Signal:
    return Signal(
        key="k", status=Status.FIRING, title="t", labels=labels or {}, project=project, service=service
    )


INDEX = ServiceIndex(
    configured(
        {
            "checkout": [
                {"source": "alertmanager", "labels": {"service": ["checkout", "pay"]}},
                {"source": ["sentry", "sentry-eu"], "project": "checkout-web"},
            ],
            "login": [{"labels": {"service": "login"}}, {"source": "helpdesk", "labels": {"team": ""}}],
            "late": [{"source": "alertmanager", "labels": {"service": "checkout", "x": "1"}}],
            "platform": [],
        }
    )
)


@pytest.mark.parametrize(
    "source, found, service, by",
    [
        ("alertmanager", signal({"service_": "x"}), "platform", "unmapped"),
        ("alertmanager", signal({"service": "pay"}), "checkout", "services.checkout.signals[0]"),
        ("other", signal({"service": "pay"}), "platform", "unmapped"),
        ("sentry-eu", signal(project="checkout-web"), "checkout", "services.checkout.signals[1]"),
        ("sentry", signal(project="checkout-api"), "platform", "unmapped"),
        ("anything", signal({"service": "login"}), "login", "services.login.signals[0]"),
        ("helpdesk", signal(), "login", "services.login.signals[1]"),
        ("helpdesk", signal({"team": "a"}), "platform", "unmapped"),
    ],
)  # fmt: skip
def test_a_signal_belongs_to_the_service_whose_claim_holds(
    source: str, found: Signal, service: str, by: str
) -> None:
    assert INDEX.service_for(source, found) == (service, by)


def test_of_two_claims_that_hold_the_first_in_the_files_decides() -> None:
    both = signal({"service": "checkout", "x": "1"})
    assert INDEX.service_for("alertmanager", both) == ("checkout", "services.checkout.signals[0]")


def test_a_service_that_the_report_names_comes_before_any_claim() -> None:
    assert INDEX.service_for("helpdesk", signal(service="checkout")) == (
        "checkout",
        "sources.helpdesk.fields.service",
    )


def test_a_service_that_the_report_names_and_nobody_knows_is_ignored() -> None:
    assert INDEX.service_for("helpdesk", signal({"team": "a"}, service="nowhere")) == ("platform", "unmapped")


def test_an_empty_claim_takes_nothing() -> None:
    index = ServiceIndex(configured({"greedy": [{}], "platform": []}))
    assert index.service_for("alertmanager", signal()) == ("platform", "unmapped")
