"""The seeded storm of ``bench/storm.py``, in a short form: what must hold at its end."""

import pytest

from bench import storm


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_a_storm_each_alert_is_in_one_incident_and_nobody_hears_twice_in_a_minute(seed: int) -> None:
    outcome = storm.play(alerts=1_000, services=60, teams=8, seed=seed)
    assert outcome.problems == []
    assert (outcome.left, outcome.in_storm) == (1, 1_000)
    assert outcome.flapping > 250
    assert outcome.people == 9


@pytest.mark.parametrize("without", ["none", {"incidents": 25, "within": "5m", "settle": "0s"}])
def test_without_storm_control_the_same_storm_is_too_much(without: object) -> None:
    outcome = storm.play(alerts=300, services=60, teams=8, storm=without)
    assert any("got two messages within" in problem for problem in outcome.problems)
