"""Monitors that must report: when one counts as silent, and when that is over."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from harness.house import CONFIG, RULES, TUESDAY, policy_of

from irpd.daemon.heartbeats import AGAIN, KEEP_EACH, PATIENCE, Heartbeats
from irpd.engine.engine import Engine
from irpd.engine.ports import JournalError, JournalFull, Normalised
from irpd.journal.memory import MemoryJournal
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.protocol.policy import Policy

BEATS = """
heartbeats:
  nightly: {service: checkout, every: 1d, grace: 30m, level: 1, auth: none}
  minutely: {service: checkout, every: 1m, grace: 30s, level: 3, auth: none, title: The queue isn't read}
"""


def policy(beats: str = BEATS) -> Policy:
    return policy_of(CONFIG + beats, RULES)


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.booted = TUESDAY, 1000.0

    def now(self):  # type: ignore[no-untyped-def]
        return self.wall

    def boot(self) -> float:
        return self.booted


class World:
    """A daemon's life, or several, on one journal."""

    def __init__(self) -> None:
        self.clock, self.journal, self.counted = Clock(), MemoryJournal(), Counter[str]()
        self.events: list[e.AnyEvent] = []

    def heartbeat(self, outcome: str) -> None:
        self.counted[outcome] += 1

    async def start(self, beats: str = BEATS) -> None:
        self.journal.open()
        self.engine = Engine(
            self.journal, self.clock, policy(beats), normalise=lambda _: Normalised(signals=(), accepted=0)
        )
        self.engine.on_commit(lambda facts, _: self.events.extend(fact.event for fact in facts))
        await self.engine.start()
        latest = self.journal.latest_config()
        if latest is None or latest[0] != policy(beats).hash:
            await self.engine.adopt(policy(beats), b"bundle", by="start")
        self.heartbeats = Heartbeats(self.engine, self.clock, self)
        self.heartbeats.use(policy(beats).configuration)

    async def reload(self, beats: str) -> None:
        await self.engine.adopt(policy(beats), b"bundle", by="test")
        self.heartbeats.use(policy(beats).configuration)

    async def again(self, beats: str = BEATS, *, down: timedelta = timedelta()) -> None:
        """The daemon ends and starts."""
        await self.engine.stop()
        self.clock.wall += down
        self.clock.booted = 50.0
        await self.start(beats)

    async def goes(self, span: timedelta, *, look: bool = True) -> None:
        """Time passes, in looks of a second or at most a thousand."""
        seconds = span.total_seconds()
        steps = int(min(seconds, 1000))
        for _ in range(steps):
            self.clock.wall += span / steps
            self.clock.booted += seconds / steps
            if look:
                self.heartbeats._looked_at = self.clock.booted - 1.0
                await self.heartbeats.look()

    def state(self, name: str) -> str:
        return next(beat.state for beat in self.heartbeats.beats() if beat.name == name)

    @property
    def incidents(self) -> list[Incident]:
        return list(self.engine.state.incidents.values())


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    one = World()
    await one.start()
    yield one
    await one.engine.stop()


async def test_one_that_has_never_reported_counts_from_when_it_was_configured(world: World) -> None:
    await world.goes(DAY + 29 * MINUTE)
    assert world.state("nightly") == "new"
    assert [one.title for one in world.incidents] == ["The queue isn't read"]
    await world.goes(2 * MINUTE)
    assert world.state("nightly") == "silent"
    incident = world.incidents[-1]
    assert (incident.title, incident.level, incident.services) == (
        "nightly has not reported",
        1,
        ("checkout",),
    )
    assert incident.level_by.because == "no rule holds; the level of nightly"
    (member,) = world.engine.state.members_of(incident.number)
    assert member.text == "It should report every 1d, 30m late at most. Last heard of: never."
    assert world.engine.state.pages_of(incident.number)


async def test_a_report_in_time_is_well_one_within_the_grace_is_late_and_one_after_it_resolves(
    world: World,
) -> None:
    for _ in range(5):
        await world.goes(MINUTE)
        assert world.state("minutely") != "silent"
        await world.heartbeats.report("minutely")
        assert world.state("minutely") == "up"
    await world.goes(MINUTE + timedelta(seconds=10))
    assert world.state("minutely") == "late"
    assert world.incidents == []
    await world.goes(timedelta(seconds=21))
    assert world.state("minutely") == "silent"
    (incident,) = world.incidents
    assert (incident.level, incident.firing) == (3, 1)
    await world.heartbeats.report("minutely")
    assert world.state("minutely") == "up"
    assert world.incidents[0].firing == 0


async def test_it_opens_once_and_again_only_after_its_incident_was_closed(world: World) -> None:
    await world.goes(3 * MINUTE)
    await world.goes(2 * HOUR)
    (incident,) = world.incidents
    assert sum(isinstance(event, e.Paged) for event in world.events) < 20
    await world.engine.submit(c.Resolve(incident=incident.number, by="asha", because="known"))
    await world.goes(HOUR)
    await world.engine.submit(c.Wake(incident=incident.number))  # as the timer does
    assert world.engine.state.incidents[incident.number].state is State.CLOSED
    await world.goes(2 * timedelta(seconds=AGAIN))
    opened = [one for one in world.incidents if "queue" in one.title]
    assert len(opened) == 2, "still silent an hour after its incident was closed, and nobody is told"


async def test_what_came_due_while_irpd_was_down_has_one_grace_from_the_start(world: World) -> None:
    await world.heartbeats.report("nightly")
    await world.heartbeats.report("minutely")
    await world.again(down=3 * DAY)
    await world.goes(29 * MINUTE)
    assert "nightly" not in {one.title.split()[0] for one in world.incidents}
    await world.goes(2 * MINUTE)
    assert world.state("nightly") == "silent"


async def test_a_kept_report_counts_over_a_start_and_a_short_one_begins_anew(world: World) -> None:
    await world.heartbeats.report("nightly")
    await world.goes(50 * timedelta(seconds=1))
    await world.heartbeats.report("minutely")
    await world.again(down=MINUTE)
    await world.goes(timedelta(seconds=89))
    assert world.incidents == []
    await world.goes(timedelta(seconds=2))
    assert world.state("minutely") == "silent"
    since = timedelta(seconds=50 + 60 + 91)
    await world.goes(DAY + 29 * MINUTE - since)
    assert world.state("nightly") == "late"
    await world.goes(2 * MINUTE)
    assert world.state("nightly") == "silent"


async def test_what_was_silent_before_a_start_is_silent_after_it_and_not_told_anew(world: World) -> None:
    await world.goes(3 * MINUTE)
    await world.again(down=MINUTE)
    assert world.state("minutely") == "silent"
    await world.goes(10 * MINUTE)
    assert len(world.incidents) == 1
    await world.heartbeats.report("minutely")
    assert world.incidents[0].firing == 0


async def test_neither_a_jump_of_the_wall_clock_nor_a_sleep_of_the_machine_makes_one_silent(
    world: World,
) -> None:
    await world.heartbeats.report("nightly")
    await world.heartbeats.report("minutely")
    world.clock.wall += 5 * DAY
    await world.heartbeats.look()
    assert world.incidents == []
    world.clock.booted += 2 * 86400.0  # it slept: the boot-time clock goes on
    world.clock.wall += 2 * DAY
    await world.heartbeats.look()
    assert world.incidents == []
    await world.goes(timedelta(seconds=PATIENCE - 2))
    assert world.incidents == []
    await world.goes(timedelta(seconds=4))
    assert world.state("minutely") == "silent"
    assert world.state("nightly") != "silent"


async def test_other_files_end_what_is_gone_and_begin_what_is_new(world: World) -> None:
    await world.goes(3 * MINUTE)
    assert world.incidents[0].firing == 1
    await world.reload("heartbeats: {hourly: {service: checkout, every: 1h, grace: 0s, auth: none}}\n")
    assert world.incidents[0].firing == 0, "it is expected no more, and fires still"
    assert [beat.name for beat in world.heartbeats.beats()] == ["hourly"]
    await world.goes(HOUR - MINUTE)
    assert world.state("hourly") == "new"
    await world.goes(2 * MINUTE)
    assert world.state("hourly") == "silent"
    await world.reload("")
    assert [one.firing for one in world.incidents] == [0, 0]
    with pytest.raises(KeyError):
        await world.heartbeats.report("hourly")


async def test_a_shorter_time_holds_from_the_last_report_but_never_at_once(world: World) -> None:
    await world.heartbeats.report("minutely")
    await world.goes(timedelta(seconds=50))
    await world.reload(BEATS.replace("every: 1m", "every: 10s"))
    await world.goes(timedelta(seconds=PATIENCE - 2))
    assert world.state("minutely") != "silent"
    await world.goes(timedelta(seconds=4))
    assert world.state("minutely") == "silent"


async def test_one_that_says_it_failed_opens_at_once_with_its_words_and_its_next_report_resolves(
    world: World,
) -> None:
    await world.heartbeats.report("nightly", failed="pg_dump: out of disk")
    (incident,) = world.incidents
    assert (incident.title, incident.level) == ("nightly says that it failed", 1)
    assert world.engine.state.members_of(1)[0].text == "pg_dump: out of disk"
    assert e.HeartbeatSeen(name="nightly") in world.events, "that it was heard of is not kept"
    await world.heartbeats.look()
    assert world.incidents[0].firing == 1, "the look took the failure back"
    await world.heartbeats.report("nightly")
    assert world.incidents[0].firing == 0


async def test_each_report_of_a_slow_one_is_on_disk_and_of_a_quick_one_none_is(world: World) -> None:
    for _ in range(10):
        await world.heartbeats.report("minutely")
        await world.heartbeats.report("nightly")
    seen = [event for event in world.events if isinstance(event, e.HeartbeatSeen)]
    assert [event.name for event in seen] == ["nightly"], "within a minute it is kept once"
    await world.goes(timedelta(seconds=KEEP_EACH + 1), look=False)
    await world.heartbeats.report("nightly")
    assert sum(isinstance(event, e.HeartbeatSeen) for event in world.events) == 2


async def test_what_could_not_be_kept_is_refused_was_heard_all_the_same_and_is_kept_later(
    world: World,
) -> None:
    await world.goes(DAY)
    world.journal.fail(JournalFull("no space"), times=1000)
    with pytest.raises(JournalError):
        await world.heartbeats.report("nightly")
    await world.goes(HOUR)
    assert world.state("nightly") != "silent"
    world.journal.recover()
    async with asyncio.timeout(30):
        while not any(isinstance(event, e.HeartbeatSeen) for event in world.events):
            await world.heartbeats.look()
            await asyncio.sleep(0.01)


async def test_a_thousand_that_fall_silent_together_are_one_storm_or_a_thousand_but_all_are_told() -> None:
    world = World()
    many = "".join(f"  m{n}: {{service: checkout, every: 1m, grace: 0s, auth: none}}\n" for n in range(1000))
    await world.start("heartbeats:\n" + many)
    try:
        await world.goes(timedelta(seconds=58))
        assert world.incidents == []
        await world.goes(timedelta(seconds=3))
        assert {beat.state for beat in world.heartbeats.beats()} == {"silent"}
    finally:
        await world.engine.stop()


OFFICE = """
heartbeats:
  office:
    service: checkout
    every: 10m
    grace: 5m
    auth: none
    hours: {days: [Mon, Tue, Wed, Thu, Fri], from: "09:00", to: "18:00", time_zone: Europe/Berlin}
"""


async def test_outside_of_its_hours_one_need_not_report_and_has_its_time_when_they_begin() -> None:
    world = World()
    await world.start(OFFICE)
    try:
        zone = ZoneInfo("Europe/Berlin")
        evening = world.clock.wall.astimezone(zone).replace(hour=17, minute=50, second=0, microsecond=0)
        await world.goes(evening - world.clock.wall, look=False)
        await world.heartbeats.report("office")
        await world.goes(15 * HOUR + 10 * MINUTE)
        assert world.clock.wall.astimezone(zone).strftime("%H:%M") == "09:00"
        await world.goes(14 * MINUTE)
        assert world.incidents == []
        await world.goes(2 * MINUTE)
        assert world.state("office") == "silent"
    finally:
        await world.engine.stop()


async def test_in_its_hours_one_that_stops_is_silent_as_any_other() -> None:
    world = World()
    await world.start(OFFICE)
    try:
        zone = ZoneInfo("Europe/Berlin")
        noon = world.clock.wall.astimezone(zone).replace(hour=12, minute=0, second=0, microsecond=0)
        await world.goes(noon - world.clock.wall, look=False)
        await world.heartbeats.report("office")
        await world.goes(16 * MINUTE)
        assert world.state("office") == "silent"
    finally:
        await world.engine.stop()
