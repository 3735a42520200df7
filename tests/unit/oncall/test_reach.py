"""Whom a step reaches and how, on a small configuration."""

from datetime import UTC, datetime

import pytest

from irpd.config.values import Configuration
from irpd.oncall.reach import methods_for, persons_for

NOW = datetime(2026, 11, 24, 2, 2, tzinfo=UTC)


def configuration(**changes: object) -> Configuration:
    secret = {"env": "NOT_READ"}
    base: dict[str, object] = {
        "version": 1,
        "unmapped": "platform",
        "fallback": ("emil",),
        "services": {"platform": {}},
        "paths": {"engineering": {"kind": "technical", "steps": ({"person": "emil", "wait": "5m"},)}},
        "channels": {
            "mail": {"type": "smtp", "host": "localhost", "from": "irpd@example.com"},
            "slack": {"type": "slack", "auth": {"bot_token": secret}},
        },
        "notify": {
            "default": (
                {"after": "0s", "via": ("slack", "mail")},
                {"after": "2m", "via": ("mail",), "levels": (1, 2)},
            ),
            "quietly": ({"after": "1m", "via": ("mail",)},),
        },
        "people": {
            "asha": {"name": "Asha Rao"},
            "ben": {"name": "Ben Ito", "notify": "quietly"},
            "chi": {"name": "Chi Okafor", "notify": ({"after": "0s", "via": ("slack",), "levels": (1,)},)},
            "emil": {"name": "Emil Novak", "notify": "gone"},
        },
        "schedules": {
            "first": {
                "time_zone": "Europe/Berlin",
                "layers": (
                    {
                        "rotate": "weekly",
                        "handoff": "Mon 09:00",
                        "start": "2026-01-05",
                        "people": ("asha", "ben"),
                    },
                ),
            }
        },
    }
    return Configuration.model_validate(base | changes)


@pytest.fixture(name="config")
def _config() -> Configuration:
    return configuration()


def via(config: Configuration, person: str, level: int) -> list[tuple[float, tuple[str, ...]]]:
    return [(method.after, method.via) for method in methods_for(config, person, level)]


def test_a_schedule_means_who_is_on_call_at_that_instant(config: Configuration) -> None:
    assert persons_for(config, schedule="first", at=NOW) == ("asha",)
    assert persons_for(config, schedule="first", at=datetime(2026, 11, 30, 8, 0, tzinfo=UTC)) == ("ben",)


def test_a_person_means_this_person(config: Configuration) -> None:
    assert persons_for(config, person="chi", at=NOW) == ("chi",)


def test_what_reaches_nobody_is_empty_and_raises_nothing(config: Configuration) -> None:
    assert persons_for(config, schedule="second", at=NOW) == ()
    assert persons_for(config, person="zoe", at=NOW) == ()
    assert persons_for(config, schedule="first", at=datetime(2025, 1, 1, tzinfo=UTC)) == ()
    assert persons_for(config, at=NOW) == ()


@pytest.mark.parametrize(
    "broken",
    [{"time_zone": "Mars/Olympus"}, {"time_zone": "../etc"}, {"handoff": "whenever"}, {"start": "soon"}],
)
def test_a_schedule_that_cannot_be_read_reaches_nobody_and_raises_nothing(broken: dict[str, str]) -> None:
    zone = broken.pop("time_zone", "Europe/Berlin")
    layer = {"rotate": "daily", "handoff": "09:00", "start": "2026-01-05", "people": ("asha",)} | broken
    config = configuration(schedules={"first": {"time_zone": zone, "layers": (layer,)}})
    assert persons_for(config, schedule="first", at=NOW) == ()


def test_who_has_no_rules_of_their_own_gets_the_default_ones(config: Configuration) -> None:
    assert via(config, "asha", 1) == [(0.0, ("slack", "mail")), (120.0, ("mail",))]
    assert via(config, "asha", 3) == [(0.0, ("slack", "mail"))]
    assert via(config, "ben", 1) == [(60.0, ("mail",))]


def test_rules_that_are_gone_fall_back_to_the_default_ones(config: Configuration) -> None:
    assert via(config, "emil", 3) == [(0.0, ("slack", "mail"))]


def test_level_four_keeps_to_the_first_quiet_method(config: Configuration) -> None:
    assert via(config, "asha", 4) == [(0.0, ("slack", "mail"))]
    loud = configuration(
        notify={"default": ({"after": "0s", "via": ("call",)}, {"after": "2m", "via": ("call", "mail")})}
    )
    assert via(loud, "asha", 1) == [(0.0, ("call",)), (120.0, ("call", "mail"))]
    assert via(loud, "asha", 4) == [(120.0, ("mail",))]


def test_a_level_that_no_rule_is_for_has_no_method(config: Configuration) -> None:
    assert via(config, "chi", 1) == [(0.0, ("slack",))]
    assert via(config, "chi", 2) == []
    assert via(config, "chi", 4) == []
    assert via(config, "zoe", 1) == []
