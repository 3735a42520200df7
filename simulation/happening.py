"""Steps that happen to irpd: files, channels, the disk, clocks, failures, crashes."""

from typing import TYPE_CHECKING

from irpd.engine import upkeep
from irpd.model import command as c
from simulation.actions import Action
from simulation.model import due_at
from simulation.phones import MOODS, SURE
from simulation.plots import breaks, holds_back, storms, under
from simulation.seams import PLANTS
from simulation.worlds import VARIANTS, prepared

if TYPE_CHECKING:
    from simulation.run import Simulation


def happens(world: "Simulation", action: Action) -> None:
    a, b, disk, life = action.a, action.b, world.disk, world.life
    kind = action.kind
    world.coverage.hit("fault", kind)
    match kind:
        case "reload":
            world.files = prepared(list(VARIANTS)[b % len(VARIANTS)])
            if life is not None and life.ready:
                life.spawn(life.reload())
        case "storm":
            storms(world, a, b)
        case "hold":
            holds_back(world, a, b)
        case "chain":
            under(world, "chained", 60.0 + b % 300)
            breaks(world, a)
        case "night" | "teams" | "beside":
            under(world, kind, 60.0 + b % 400)
            breaks(world, a)
        case "shadow":
            under(world, kind, 30.0 + b % 300)
            breaks(world, a)
        case "bad-files":
            world.files = None
            if life is not None and life.ready:
                life.spawn(life.reload())
        case "channel":
            provider = [p for p in world.providers.values() if p.name != SURE][a % 4]
            provider.mood = MOODS[b % len(MOODS)]
        case "channels-work":
            for provider in world.providers.values():
                provider.mood = "works"
        case "jam":
            _jams(world, a)
        case "disk-slow":
            disk.slow = (0.0004, 0.003) if b % 2 else (0.05, 0.9)
        case "disk-full":
            begins = _before_a_deadline(world) if b % 3 else 0.0
            world.later(begins, lambda: setattr(disk, "full", True))
            world.later(begins + 5.0 + b % (25 if begins else 200), lambda: setattr(disk, "full", False))
        case "disk-room":
            disk.full, disk.failing = False, 0
        case "disk-fails":
            disk.failing, disk.written = 1 + b % 4, False
        case "disk-fails-written":
            disk.failing, disk.written = 1 + b % 3, True
            for n in range(b % 4):  # reports of something unknown: receipts that lead to no event
                world.later(0.5 * n, lambda: _loses_an_answer(world, a))
        case "stutter":
            _stutters(world, b)
        case "wall-ahead":
            world.time.set_wall(float((5, 60, 900, 5400)[b % 4]))
        case "wall-back":
            world.time.set_wall(-float((5, 60, 900, 5400)[b % 4]))
        case "wall-blip":
            by = float((3600, -3600, 30000, -300)[b % 4])
            world.time.set_wall(by)
            world.later(1.0 + b % 40, lambda: world.time.set_wall(-by))
        case "wall-right":
            world.time.set_wall(-world.time.wrong)
        case "plant":
            world.plant = PLANTS[b % len(PLANTS)]
            world.later(1.0 + b % 120, lambda: setattr(world, "plant", ""))
        case "plant-none":
            world.plant = ""
        case "sweep":
            if life is not None and life.ready:
                life.spawn(upkeep.sweep(life.engine, life.engine._rows))
        case "idle":
            world.advance(float(60 + b % 600))
        case _:
            _ends(world, action)


def _before_a_deadline(world: "Simulation") -> float:
    """Seconds until just before something is due, if that is soon."""
    life, incidents = world.life, world.model.rows.incidents.values()
    due = min(
        (at for incident in incidents if incident.state.active and (at := due_at(incident)) is not None),
        default=None,
    )
    if life is None or not life.ready or due is None:
        return 0.0
    wait = (due - life.clock.now()).total_seconds() - 0.0005
    return wait if 0.0 < wait < 100.0 else 0.0


def _loses_an_answer(world: "Simulation", a: int) -> None:
    """The disk writes, and says that it did not."""
    world.disk.failing, world.disk.written = 1, True
    world.post(world.senders.metric(90 + a % 5, resolved=True))


def _jams(world: "Simulation", a: int) -> None:
    """A channel takes its time with more messages than it has room for; what waits behind them is over
    before its turn comes."""
    world.providers["mail"].mood = "late"
    for n in range(14):
        world.ask(c.TestPage(person=("asha", "chi")[n % 2], by="asha"))
    world.later(0.3, lambda: world.ask(c.Open(by="asha", title="It smells", service="checkout", level=1)))

    def answer() -> None:
        number = max(world.model.rows.incidents, default=0)
        if a % 2:
            world.ask(c.Acknowledge(incident=number, by="asha"))
        else:
            world.ask(c.Resolve(incident=number, by="asha", because="nothing"))

    world.later(2.0, answer)


def _stutters(world: "Simulation", b: int) -> None:
    """A channel and the disk both come and go, out of step: of two tries only the first gets on disk."""
    disk, provider = world.disk, world.providers["mail"]

    def fails(times: int) -> None:
        disk.failing, disk.written = times, False

    provider.mood = "refuses-late"
    world.ask(c.TestPage(person=("asha", "chi")[b % 2], by="asha"))
    world.later(0.4, lambda: fails(1000))
    world.later(3.2, lambda: setattr(provider, "mood", "slow"))
    world.later(6.5, lambda: fails(0))
    world.later(10.2, lambda: fails(1000))
    world.later(17.0, lambda: fails(0))


def _ends(world: "Simulation", action: Action) -> None:
    b, life = action.b, world.life
    match action.kind:
        case "crash":
            world.fuse = b % 70
        case "stop":
            if life is not None and life.ready:
                life.spawn(life.stop())
        case "reboot":
            world.crash(20.0 + b % 60, reboot=True)
        case "long-down":
            down = 600.0 + b % 3000
            world.crash(down)
            world.advance(down - 20.0)  # senders go on trying; little else happens meanwhile
        case _:
            raise AssertionError(f"nobody carries out {action.kind}")
