"""Signals that fell silent, and what is over and silent."""

from typing import Any

from irpd.engine.upkeep import sweep
from irpd.model import command as c
from irpd.model.incident import MemberStatus, State

DAY = 86400.0


async def test_signals_without_news_for_a_day_are_marked_and_the_others_are_not(bench: Any) -> None:
    await bench.receive(("silent", "firing"), ("heard", "firing"))
    await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    await bench.engine.submit(c.Acknowledge(incident=2, by="asha"))
    await bench.forward(DAY - 1)
    await bench.receive(("heard", "firing"))
    await sweep(bench.engine, bench.engine._rows)
    assert bench.engine.state.members_of(1)[0].status is MemberStatus.FIRING
    await bench.forward(1)
    await sweep(bench.engine, bench.engine._rows)
    assert bench.engine.state.members_of(1)[0].status is MemberStatus.STALE
    assert bench.engine.state.members_of(2)[0].status is MemberStatus.FIRING
    assert bench.engine.state.incidents[1].state is State.ACKNOWLEDGED


async def test_what_a_person_ended_while_it_fired_stays_known_until_it_falls_silent(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    await bench.engine.submit(c.Resolve(incident=1, by="asha"))
    await bench.forward(1800)
    assert bench.engine.state.incidents[1].state is State.CLOSED
    await bench.forward(DAY)
    await sweep(bench.engine, bench.engine._rows)
    await sweep(bench.engine, bench.engine._rows)
    assert bench.engine.state.incidents == {}
    assert (await bench.receive(("a", "firing"))).outcomes == {"opens": 1}


async def test_what_a_person_ended_and_is_still_reported_after_the_window_opens_another(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    await bench.engine.submit(c.Resolve(incident=1, by="asha"))
    await bench.forward(1799)
    assert (await bench.receive(("a", "firing"))).outcomes == {"updates": 1}
    await bench.forward(1)
    assert bench.engine.state.incidents[1].state is State.CLOSED
    assert (await bench.receive(("a", "firing"))).outcomes == {"opens": 1}
    assert bench.engine.state.incidents[2].state is State.OPEN
    assert (await bench.receive(("a", "firing"))).outcomes == {"updates": 1}


async def test_a_sweep_that_cant_write_stops_quietly(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    await bench.forward(DAY)
    bench.engine.full = True
    bench.journal.reserve = False
    await sweep(bench.engine, bench.engine._rows)
    assert bench.engine.state.members_of(1)[0].status is MemberStatus.FIRING
    bench.journal.reserve = True
