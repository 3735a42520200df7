"""Signals that wait, in the real engine: deadlines, restarts, silences that end, outages that are over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from harness.house import CONFIG, RULES, policy_of

from irpd.engine.ports import JournalUnavailable
from irpd.model import command as c
from irpd.model.incident import MemberStatus

Make = Callable[..., Any]
HELD = policy_of(
    rules=RULES.replace(
        "group:", "  - {id: h, match: {labels: {want: '3'}}, hold: {for: 5m}, because: x}\ngroup:"
    )
)


def silence(bench: Any, minutes: float = 30) -> c.AddSilence:
    until = bench.clock.now() + timedelta(minutes=minutes)
    return c.AddSilence(by="asha", match={"service": ("checkout",)}, until=until, because="x")


def whole(bench: Any) -> None:
    """Nothing is kept of what is over."""
    engine = bench.engine
    waiting = {member.sid for member in engine.state.waiting}
    assert set(engine._rows.waiting) == waiting
    assert {-number for number in engine._timer._due if number < 0} <= waiting
    assert set(engine._waiting._subject) <= waiting


async def test_a_hold_ends_by_its_deadline_also_after_a_restart(benches: Make) -> None:
    bench = await benches(policy=HELD).start()
    accepted = await bench.receive(("a", "firing"), want=3)
    assert (accepted.incidents, dict(accepted.outcomes)) == ((), {"held": 1})
    before = bench.rows()
    await bench.restart()
    assert bench.rows() == before
    (row,) = bench.engine.state.waiting
    assert row.status is MemberStatus.HELD
    await bench.forward(299)
    assert bench.engine.state.incidents == {}
    await bench.forward(2)
    assert bench.engine.state.incidents[1].firing == 1
    assert bench.engine.state.waiting == []
    whole(bench)
    await bench.restart()
    assert bench.engine.state.waiting == []


async def test_what_ended_to_wait_leaves_memory(benches: Make) -> None:
    bench = await benches(policy=HELD).start()
    await bench.receive(("a", "firing"), want=3)
    await bench.receive(("a", "resolved"), want=3)
    await bench.forward(1801)
    assert bench.engine.state.members == {}
    assert bench.engine._rows.keys == {}
    whole(bench)
    await bench.restart()
    assert bench.engine.state.members == {}
    assert (await bench.receive(("a", "firing"), want=3)).outcomes == {"held": 1}


async def test_a_silence_survives_a_restart_and_its_end_lets_in_what_fires(bench: Any) -> None:
    await bench.engine.submit(silence(bench))
    await bench.receive(("a", "firing"), ("b", "firing"), ("c", "firing"))
    await bench.receive(("c", "resolved"))
    await bench.restart()
    assert [one.id for one in bench.engine.state.silences] == [1]
    assert (await bench.receive(("d", "firing"))).outcomes == {"muted": 1}
    await bench.engine.submit(c.EndSilence(by="asha", silence=1))
    await bench.forward(1)
    firing = [m.key for m in bench.engine.state.members.values() if m.status is MemberStatus.FIRING]
    assert sorted(firing) == ["am/a", "am/b", "am/d"]
    whole(bench)


async def test_the_end_of_a_silence_by_its_time_comes_while_irpd_is_down(bench: Any) -> None:
    await bench.engine.submit(silence(bench))
    await bench.receive(("a", "firing"))
    await bench.crash()
    bench.clock.forward(3600)
    await bench.restart()
    await bench.forward(1)
    assert bench.paged() == ["asha"]
    whole(bench)


async def test_an_outage_that_is_over_wakes_what_it_muted(benches: Make) -> None:
    config = CONFIG.replace("    title: Checkout\n", "    title: Checkout\n    depends_on: {login: mutes}\n")
    bench = await benches(policy=policy_of(config)).start()
    opened = await bench.engine.submit(c.Open(by="asha", title="down", service="login", level=1))
    assert opened
    await bench.receive(("a", "firing"))  # an incident without firing signals is no outage
    assert len(bench.engine.state.incidents) == 2
    whole(bench)


async def test_a_lost_journal_loses_no_wait(benches: Make) -> None:
    bench = await benches(policy=HELD).start()
    await bench.receive(("a", "firing"), want=3)
    bench.journal.fail(JournalUnavailable("gone"), times=2)
    await bench.forward(301)
    for _ in range(3):
        await bench.forward(2)
        await bench.engine.look_after_journal()
    await bench.forward(2)
    assert bench.engine.state.incidents[1].firing == 1
    assert bench.engine.state.waiting == []
    whole(bench)


async def test_many_that_were_muted_are_decided_one_by_one(bench: Any) -> None:
    await bench.engine.submit(silence(bench))
    await bench.receive(*((f"k{n}", "firing") for n in range(6000)))
    await bench.engine.submit(c.EndSilence(by="asha", silence=1))
    for _ in range(200):
        await bench.forward(1)
        if not bench.engine.state.waiting:
            break
    assert len(bench.engine.state.incidents) == 6000
    whole(bench)
