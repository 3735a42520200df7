"""Steps of those who report: senders fire, resolve, repeat, change their minds."""

from functools import partial
from typing import TYPE_CHECKING

from irpd.model.incident import State
from simulation.actions import Action
from simulation.beats import PERIODS
from simulation.plots import alerts_of, ignored, tells_nobody
from simulation.senders import ISSUES, TICKETS, Alert

if TYPE_CHECKING:
    from simulation.run import Simulation


def sends(world: "Simulation", action: Action) -> bool:
    senders, now, a, b = world.senders, world.now(), action.a, action.b
    alert = senders.alerts[a % len(senders.alerts)]
    match action.kind:
        case "fire":
            world.post(senders.fire(alert, now))
        case "resolve":
            firing = [other for other in senders.alerts if other.firing] or [alert]
            world.post(senders.resolve(firing[b % len(firing)], now))
        case "repeat":
            world.post(senders.group(alert, now))
        case "flap":
            for n in range(4 + b % 4):
                flip = senders.resolve(alert, now) if alert.firing else senders.fire(alert, now)
                world.later(n * (1 + b % 30), partial(world.post, flip))
        case "impact":
            alert.users = (0, 40, 150, 450, 700, 990)[b % 6]
            world.post(senders.fire(alert, now))
        case "move-start":
            world.post(senders.move_start(alert, now))
        case "regroup":
            world.post(senders.group(alert, now, receiver="other"))
        case "truncate":
            _truncates(world, alert, a, b)
        case "many":
            for other in senders.alerts:
                if other.service == alert.service and (a >> other.n % 16) & 1:
                    other.firing, other.starts_at = True, now.isoformat()
            world.post(senders.fire(alert, now))
        case "twice":
            request = senders.fire(alert, now) if b % 2 else senders.resolve(alert, now)
            world.post(request)
            world.later((b % 8) * 0.002, lambda: world.post(request))
        case "late":
            request = senders.fire(alert, now) if b % 2 else senders.resolve(alert, now)
            world.later(float(b % 90), lambda: world.post(request))
        case "burst":
            for n in range(24 + b % 24):  # some while the first are being written
                request = senders.group(senders.alerts[(a + n) % len(senders.alerts)], now)
                world.later(0.0 if n < 4 else 0.0002, partial(world.post, request))
        case "issue":
            what = ("created", "created", "resolved", "ignored", "assigned", "ignored", "unresolved")[b % 7]
            known = [n for n, state in senders.issues.items() if state in ("created", "unresolved")]
            there = known and what in ("ignored", "resolved", "assigned")
            world.post(senders.issue(known[a % len(known)] if there else a % ISSUES, what))
        case "ignored":
            ignored(world, a % ISSUES, b)
        case "metric":
            world.post(senders.metric(a % 4, resolved=b % 2 == 1, older=b % 5 == 0))
        case "ticket":
            world.post(senders.ticket(a % TICKETS, "solved" if b % 4 == 0 else "open"))
        case "again":
            _fires_again(world, a, b)
        case "deaf":
            tells_nobody(world, a)
        case "beat-stops":
            world.beats.stopped.add(list(PERIODS)[a % len(PERIODS)])
        case "beat-again":
            world.beats.stopped.clear()
            world.beats.report(world, list(PERIODS)[a % len(PERIODS)])
        case "beat-fails":
            world.beats.report(world, list(PERIODS)[a % len(PERIODS)], failed="no space left")
        case "garbage":
            world.post(senders.garbage(world.chance))
        case _:
            return False
    return True


def _truncates(world: "Simulation", alert: Alert, a: int, b: int) -> None:
    """A group with more alerts than the sender names; at times all of it is resolved."""
    now, senders = world.now(), world.senders
    group = [x for x in senders.alerts if (x.service, x.environment) == (alert.service, alert.environment)]
    if b % 3:
        for one in group:
            one.firing, one.starts_at = True, now.isoformat()
    else:
        for one in group:
            one.firing, one.ends_at = False, now.isoformat()
    world.post(senders.post(group, limit=1 + a % (len(group) - 1)))


def _fires_again(world: "Simulation", a: int, b: int) -> None:
    """Something that is over fires again: within its window, at its very end, or just after it."""
    rows, life = world.model.rows, world.life
    over = [i for i in rows.incidents.values() if i.state is State.RESOLVED and i.source == "alerts"][-6:]
    if not over or life is None or not life.ready:
        return
    incident = over[a % len(over)]
    own = alerts_of(world, incident)
    if not own or incident.resolved_at is None:
        return
    alert = own[b % len(own)]
    ends = incident.resolved_at.timestamp() + incident.reopen_within - life.clock.now().timestamp()
    world.post(world.senders.resolve(alert, world.now()))
    if b % 8 == 3:  # a jump ahead of the wall clock ends the window; no timer has noticed yet
        world.time.set_wall(900.0)
        world.later(60.2, lambda: world.post(world.senders.fire(alert, world.now())))
        world.later(150.0, lambda: world.time.set_wall(-900.0))
        return
    wait = max(ends + (-0.001, 0.005, -0.01, -60.0)[b % 4], 0.1)
    if b % 2 == 0:  # a slow write is under way when the window ends
        slow = world.disk.slow
        world.later(wait - 0.03, lambda: setattr(world.disk, "slow", (0.05, 0.9)))
        other = world.senders.alerts[a % len(world.senders.alerts)]
        world.later(wait - 0.02, lambda: world.post(world.senders.group(other, world.now())))
        world.later(wait + 5.0, lambda: setattr(world.disk, "slow", slow))
    world.later(wait, lambda: world.post(world.senders.fire(alert, world.now())))
