"""What takes more than one step: storms, outages on which others depend, news that reaches nobody."""

from functools import partial
from typing import TYPE_CHECKING

from irpd.model import command as c
from irpd.model.incident import Incident, State
from simulation.senders import ISSUES, TICKETS, Alert
from simulation.worlds import prepared

if TYPE_CHECKING:
    from simulation.run import Simulation


def alerts_of(world: "Simulation", incident: Incident) -> list[Alert]:
    """Its signals, as the Alertmanager knows them."""
    members = world.model.rows.members
    named = [
        members[sid].labels.get("alertname", "") for sid in world.model.in_incident.get(incident.number, ())
    ]
    return [
        world.senders.alerts[n] for n in sorted(int(name[5:]) for name in named if name.startswith("Alert"))
    ]


def ignored(world: "Simulation", n: int, b: int) -> None:
    """Somebody at Sentry says to ignore an issue. Its incident ends and leaves memory; the issue goes on."""
    senders, key = world.senders, f"sentry/issue:{1000 + n}"

    def ends() -> None:
        sid = world.model.newest.get(key)
        row = world.model.rows.members.get(sid) if sid is not None else None
        incident = world.model.rows.incidents.get(row.incident) if row is not None else None
        if incident is not None and incident.state.active:
            world.ask(c.Resolve(incident=incident.number, by="asha", because="known"))

    known = senders.issues.get(n)
    if known is None or known == "resolved":
        world.post(senders.issue(n, "created"))
    world.later(2.0, lambda: world.post(senders.issue(n, "ignored")))
    world.later(6.0, ends)
    for after in (8.0, 300.0 + b % 300, 900.0):
        world.later(after, lambda: world.post(senders.event(n)))


def tells_nobody(world: "Simulation", a: int) -> None:
    """News for who has it, while their channels fail until it has long been over."""
    rows, senders = world.model.rows, world.senders
    taken = [
        (alert, incident)
        for alert in senders.alerts
        if (sid := rows.sid_of(f"alerts/{alert.n + 1:016x}")) is not None
        and (incident := rows.incidents.get(rows.members[sid].incident)) is not None
        and incident.state is State.ACKNOWLEDGED
    ]
    if not taken:
        return
    alert, incident = taken[a % len(taken)]
    for name in ("mail", "chat", "hook"):
        world.providers[name].mood = "transient"
    world.post(senders.resolve(alert, world.now()))
    world.advance(4.0)
    world.post(senders.fire(alert, world.now()))
    world.advance(4.0)
    world.ask(c.Resolve(incident=incident.number, by=incident.acknowledged_by[0], because="fixed"))
    world.advance(incident.reopen_within + 10.0)
    for name in ("mail", "chat", "hook"):
        world.providers[name].mood = "works"


def under(world: "Simulation", variant: str, seconds: float) -> None:
    """This configuration is in force for so long."""

    def use(name: str) -> None:
        world.files = prepared(name)
        if world.life is not None and world.life.ready:
            world.life.spawn(world.life.reload())

    use(variant)
    world.later(seconds, lambda: use("base"))


def _fires(world: "Simulation", alert: Alert, after: float) -> None:
    world.later(after, lambda: world.post(world.senders.fire(alert, world.now())))


def _ends_again(world: "Simulation", alert: Alert, after: float) -> None:
    world.later(after, lambda: world.post(world.senders.resolve(alert, world.now())))


def storms(world: "Simulation", a: int, b: int) -> None:
    """Much of what can fail does so within a minute, in many groups."""
    senders = world.senders
    under(world, "stormy", 120.0 + b % 600)

    def fails(n: int) -> None:
        match n % 3:
            case 0:
                alert = senders.alerts[(a + 7 * n) % len(senders.alerts)]
                world.post(senders.fire(alert, world.now()))
            case 1:
                world.post(senders.ticket((a + 3 * n) % TICKETS, "open"))
            case _:
                world.post(senders.issue((a + n) % ISSUES, "created"))

    for n in range(4 + b % 12):
        world.later(1.0 + n * (0.1 if a % 3 else 9.0), partial(fails, n))


def holds_back(world: "Simulation", a: int, b: int) -> None:
    """Signals that a rule holds: some resolve meanwhile, others fire on, and a service may fail on which
    theirs depends."""
    senders = world.senders
    under(world, "quiet", 30.0 + b % 300)
    ugly = [one for one in senders.alerts if one.category == "cosmetic"]
    for n in range(1 + a % 6):
        _fires(world, ugly[(a + n) % len(ugly)], 1.0 + n * 3)
    world.later(2.0, lambda: world.post(senders.ticket(a % TICKETS, "open")))
    if b % 3 == 0:
        _ends_again(world, ugly[a % len(ugly)], 40.0)
    if b % 4:
        breaks(world, a)


def breaks(world: "Simulation", a: int) -> None:
    """Services fail on which others depend: first one, then the other, and the first is well again."""
    loud = [
        one
        for one in world.senders.alerts
        if one.environment == "production" and one.category in ("payment", "outage")
    ]
    order = ("search", "checkout", "login") if a % 2 else ("checkout", "search", "login")
    for n, service in enumerate(order):
        own = [one for one in loud if one.service == service]
        if own:
            alert = own[a % len(own)]
            _fires(world, alert, 2.0 + 5 * n)
            if n == 0:
                _ends_again(world, alert, 30.0 + a % 90)
