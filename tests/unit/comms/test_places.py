"""Links of a service: to its runbook, dashboard and logs, at the time of the incident."""

from datetime import UTC, datetime, timedelta

import pytest
from harness.house import House, alert, changed

from irpd.comms.places import places
from irpd.config.places import PLACES, example, fill
from irpd.model import command as c
from irpd.review import report_html, report_markdown, report_on

GRAFANA = "https://grafana.invalid/d/1?from={from_ms}&to={to_ms}&var-service={service}"
LOGS = "https://logs.invalid/?since={from}&until={to}"
LINKED = ("title: Checkout\n", f'title: Checkout\n    dashboard: "{GRAFANA}"\n    logs: "{LOGS}"\n')


def shown(house: House) -> dict[str, str]:
    found = places(house.incident(), house.members(), house.policy.configuration, house.now)
    return {place.text: place.url for place in found}


def opened(**more: str) -> House:
    house = House(changed(linked=LINKED))
    house.report(alert("a", want=1, **more))
    return house


def test_links_of_a_service_lead_to_the_time_of_the_incident() -> None:
    house = opened()
    house.forward("1h")
    assert shown(house) == {
        "Dashboard": "https://grafana.invalid/d/1?from=1795506300000&to=1795510800000&var-service=checkout",
        "Logs": "https://logs.invalid/?since=2026-11-24T07:45:00Z&until=2026-11-24T09:00:00Z",
    }
    assert datetime.fromtimestamp(1795506300, UTC) == house.began - timedelta(minutes=15)


def test_of_what_is_over_they_lead_to_its_end_however_late_it_is_read() -> None:
    house = opened()
    house.do(c.SetFacts(incident=1, by="chi", times={"impact-from": house.now - timedelta(hours=1)}))
    house.forward("1h")
    house.do(c.Resolve(incident=1, by="chi"))
    house.forward("20m")
    assert (
        shown(house)["Logs"] == "https://logs.invalid/?since=2026-11-24T06:45:00Z&until=2026-11-24T09:15:00Z"
    )


def test_what_a_signal_names_comes_first_and_is_taken_as_it_is() -> None:
    assert shown(opened(dashboard="https://sender.invalid/a"))["Dashboard"] == "https://sender.invalid/a"
    hostile = "https://sender.invalid/{from}"
    assert shown(opened(dashboard=hostile))["Dashboard"].startswith("https://grafana.invalid/")


def test_the_report_has_them() -> None:
    house = opened()
    found = places(house.incident(), house.members(), house.policy.configuration, house.now)
    document = report_on(house.incident(), (), places=found)
    assert "- **See:** [Dashboard](https://grafana.invalid/d/1?from=" in report_markdown(document)
    assert '<a href="https://logs.invalid/?since=' in report_html(document)


@pytest.mark.parametrize("address", ["https://a.invalid/x", "https://a.invalid/%7Bfrom%7D"])
def test_an_address_without_places_stays_as_it_is(address: str) -> None:
    assert example(address) == address


def test_every_place_is_filled() -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    assert "{" not in fill("".join(PLACES), instant, instant, "checkout")
