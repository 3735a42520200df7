"""Carrying out a step: what its numbers mean in the world as it is."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from irpd.engine import upkeep
from irpd.model import command as c
from irpd.model.incident import Incident, State
from irpd.model.page import Word
from irpd.model.waits import Silence
from simulation.actions import Action
from simulation.model import due_at
from simulation.phones import MOODS, SURE, Shown
from simulation.seams import PLANTS
from simulation.senders import ISSUES, TICKETS, Alert
from simulation.worlds import VARIANTS, prepared

if TYPE_CHECKING:
    from simulation.run import Simulation

PEOPLE = ("asha", "ben", "chi", "dora", "emil", "fay", "local:ops")


def carry_out(world: "Simulation", action: Action) -> None:
    if not (_sends(world, action) or _acts(world, action)):
        _happens(world, action)


# ------------------------------------------------------------------ senders
def _sends(world: "Simulation", action: Action) -> bool:
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
        case "metric":
            world.post(senders.metric(a % 4, resolved=b % 2 == 1, older=b % 5 == 0))
        case "ticket":
            world.post(senders.ticket(a % TICKETS, "solved" if b % 4 == 0 else "open"))
        case "again":
            _fires_again(world, a, b)
        case "deaf":
            _tells_nobody(world, a)
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
    own = _alerts_of(world, incident)
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


def _alerts_of(world: "Simulation", incident: Incident) -> list[Alert]:
    """Its signals, as the Alertmanager knows them."""
    members = world.model.rows.members
    named = [
        members[sid].labels.get("alertname", "") for sid in world.model.in_incident.get(incident.number, ())
    ]
    return [
        world.senders.alerts[n] for n in sorted(int(name[5:]) for name in named if name.startswith("Alert"))
    ]


def _tells_nobody(world: "Simulation", a: int) -> None:
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


# ------------------------------------------------------------------ people
def _acts(world: "Simulation", action: Action) -> bool:
    a, b = action.a, action.b
    by = PEOPLE[b % len(PEOPLE)]
    incident = _incident(world, a)
    number = incident.number if incident is not None else 1 + a % 5
    match action.kind:
        case "acknowledge":
            world.ask(c.Acknowledge(incident=number, by=by))
        case "acknowledge-page":
            if world.phones:
                page = world.phones[-1 - int((a / 65536) ** 3 * len(world.phones))]
                world.ask(c.Acknowledge(incident=page.incident, by=page.person, via="link", page=page.page))
        case "decline":
            if b % 2 and world.phones:
                page = world.phones[-1 - a % min(len(world.phones), 8)]
                world.ask(c.Decline(incident=page.incident, by=page.person, via="link", page=page.page))
            else:
                world.ask(c.Decline(incident=number, by=_holder(incident, by)))
        case "undo":
            taken = [i for i in world.model.rows.incidents.values() if i.acknowledged_by and i.state.active]
            if taken:
                incident = taken[a % len(taken)]
                number = incident.number
            world.ask(c.Undo(incident=number, by=_holder(incident, by)))
        case "escalate":
            world.ask(c.Escalate(incident=number, by=by))
        case "start-path":
            path = ("business", "customers", "engineering", "small", "nowhere")[b % 5]
            world.ask(c.Escalate(incident=number, by=by, path=path))
        case "set-level":
            world.ask(
                c.SetLevel(incident=number, by=by, level=b % 5, because="" if b % 11 == 0 else "so it is")
            )
        case "underrate":
            _underrates(world, a, by)
        case "silence":
            field = ("service", "labels.category", "source")[a % 3]
            value = {"service": ("checkout", "login", "search"), "source": ("alerts", "desk", "sentry"),
                     "labels.category": ("slow", "cosmetic", "payment")}[field][b % 3]  # fmt: skip
            until = world.now() + timedelta(seconds=20 + b % 600)
            world.ask(c.AddSilence(by=by, match={field: (value,)}, until=until, because="too loud"))
        case "end-silence":
            silences = world.model.rows.all_standing(Silence)
            known = [silence.id for silence in silences if b % 9 == 0 or silence.until > world.now()]
            world.ask(c.EndSilence(by=by, silence=known[a % len(known)] if known else 1))
        case "answers":
            _answers(world, a, b)
        case "ease":
            _eases(world, a, b)
        case "note":
            world.ask(c.Note(incident=number, by=by, text="looked at it" if b % 7 else " "))
        case "resolve-incident":
            world.ask(c.Resolve(incident=number, by=by, because="fixed"))
        case "reopen":
            _reopens(world, a, by)
        case "open":
            service = ("checkout", "login", "search", "nothing")[a % 4]
            world.ask(c.Open(by=by, title="It smells", service=service, level=(None, 1, 2, 3, 4)[b % 5]))
        case "merge":
            other = _incident(world, b)
            world.ask(c.Merge(incident=number, into=other.number if other is not None else 1, by=by))
        case "split":
            handles = incident.handles if incident is not None else 3
            world.ask(c.Split(incident=number, signals=(1 + b % max(handles, 1),), by=by))
        case "see":
            if world.phones:
                shown = world.phones[-1 - a % min(len(world.phones), 20)]
                world.ask(c.SeePage(page=shown.page))
                _provider_says(world, shown, b)
        case "test-page":
            world.ask(c.TestPage(person=by, by="asha"))
        case "tell-operators":
            world.ask(c.TellOperators(key=("disk", "clock")[b % 2], title="irpd needs somebody"))
            if b % 3:
                over = c.ConditionOver(key=("disk", "clock")[b % 2])
                world.later(float(a % 200), lambda: world.ask(over))
        case _:
            return False
    return True


def _answers(world: "Simulation", a: int, b: int) -> None:
    """Monitoring is asked about users: what it says comes late, twice, out of order, or of what is over."""
    rows, chance = world.model.rows, world.chance
    active = [one for one in rows.incidents.values() if one.state.active and one.source != "irpd"]
    if not active:
        return
    incident = active[a % len(active)]
    service = incident.services[0] if b % 13 else "nowhere"
    asked = tuple(one.number for one in active if service in one.services or b % 5 == 0) or (incident.number,)
    if b % 7 == 0:
        asked += (1 + a % 9, 999_999)

    def says() -> c.TakeAnswer:
        affected = chance.choice((0, 7, 150, 260, 420, 700, 990, 5000, -3, None))
        users = chance.choice((None, None, None, 1000, 400, 0, -1, 2**60))
        return c.TakeAnswer(service=service, incidents=asked, affected=affected, users=users)

    first, second = says(), says()
    match b % 6:
        case 0 | 1:
            world.ask(first)
        case 2:
            world.ask(first)
            world.later(float(a % 4), lambda: world.ask(first))
        case 3:  # the answer that was asked for first comes last
            world.later(20.0, lambda: world.ask(first))
            world.ask(second)
        case 4:
            world.later(30.0 + a % 400, lambda: world.ask(first))
        case _:
            for n in range(4):
                world.later(15.0 * n, lambda: world.ask(says()))


def _provider_says(world: "Simulation", shown: Shown, b: int) -> None:
    """A later word on a message that was taken, sometimes on one that nobody knows."""
    life = world.life
    page = life.engine.state.pages.get(shown.page) if life is not None and life.ready else None
    for send in page.sends if page is not None else ():
        if send.channel == shown.channel:
            name = send.provider_id if b % 7 else "unknown"
            word = (Word.DELIVERED, Word.FAILED, Word.SEEN)[b % 3]
            world.ask(c.ConfirmSend(channel=send.channel, provider_id=name, word=word))


def _eases(world: "Simulation", a: int, b: int) -> None:
    """Evidence asks for much, then for less: by what fires, or by what monitoring says of users."""
    senders = world.senders
    pay = [one for one in senders.alerts if one.category == "payment" and one.environment == "production"]
    alert = pay[a % len(pay)]
    other = next(
        one
        for one in senders.alerts
        if (one.service, one.environment) == (alert.service, "production") and one.category != "payment"
    )
    world.post(senders.fire(alert if b % 2 else other, world.now()))
    world.later(1.0, lambda: world.post(senders.fire(other, world.now())))
    if b % 2:
        world.later(4.0 + b % 30, lambda: world.post(senders.resolve(alert, world.now())))
        if b % 8 == 1:
            world.later(100.0, lambda: world.post(senders.fire(alert, world.now())))
        return

    def counts(affected: int) -> None:
        sid = world.model.rows.sid_of(f"alerts/{other.n + 1:016x}")
        row = world.model.rows.member(sid) if sid is not None else None
        if row is not None:
            asked = (row.incident,)
            world.ask(c.TakeAnswer(service=row.service, incidents=asked, affected=affected, users=1000))

    for at, affected in ((3.0, 450), (10.0 + b % 40, 20), (90.0, 450 if b % 16 == 2 else 10)):
        world.later(at, partial(counts, affected))


def _reopens(world: "Simulation", a: int, by: str) -> None:
    """Something that was over isn't. At times it fires on, and so does one more thing of its group, of which
    there is a newer incident by now."""
    incidents = world.model.rows.incidents.values()
    over = [incident for incident in incidents if not incident.state.active][-12:]
    groups = {incident.group for incident in incidents if incident.state.active and incident.group}
    followed = [incident for incident in over if incident.group in groups]
    if followed and a % 2:
        over = followed
    if not over:
        return
    incident = over[a // 2 % len(over)]
    world.ask(c.Reopen(incident=incident.number, by=by, because="not fixed"))
    own, senders = _alerts_of(world, incident), world.senders
    if not own or a % 3 == 0:
        return
    first = own[0]
    group = [x for x in senders.alerts if (x.service, x.environment) == (first.service, first.environment)]
    quiet = [alert for alert in group if not alert.firing and alert not in own]
    world.later(1.0, lambda: world.post(senders.post([first])))
    if quiet:
        world.later(2.0, lambda: world.post(senders.fire(quiet[a % len(quiet)], world.now())))


def _underrates(world: "Simulation", a: int, by: str) -> None:
    """A person says that it is nothing; then it turns out to affect nearly everybody, or who has it can't."""
    senders, rows = world.senders, world.model.rows
    taken = [
        incident
        for incident in rows.incidents.values()
        if incident.state is State.ACKNOWLEDGED and incident.firing and incident.level < 4
    ]
    if taken and a % 2:
        incident = taken[a // 2 % len(taken)]
        world.ask(c.SetLevel(incident=incident.number, by=by, level=4, because="it is nothing"))
        for holder in incident.acknowledged_by:
            world.later(0.5, partial(world.ask, c.Undo(incident=incident.number, by=holder)))
        return
    firing = [alert for alert in senders.alerts if alert.firing and alert.environment == "production"]
    if not firing:
        return
    alert = firing[a % len(firing)]
    sid = rows.sid_of(f"alerts/{alert.n + 1:016x}")
    member = rows.member(sid) if sid is not None else None
    if member is not None:
        level = 3 + a // 2 % 2
        world.ask(c.SetLevel(incident=member.incident, by=by, level=level, because="it is nothing"))
        alert.users = 0 if alert.users == 990 else 990
        world.later(float(a % 9), lambda: world.post(senders.fire(alert, world.now())))


def _incident(world: "Simulation", number: int) -> Incident | None:
    """One that is in memory; those that are worked on more often."""
    life = world.life
    if life is None or not life.ready:
        return None
    incidents = list(life.engine.state.incidents.values())
    active = [incident for incident in incidents if incident.state in (State.OPEN, State.ACKNOWLEDGED)]
    chosen = active if active and number % 4 else incidents
    return chosen[number // 4 % len(chosen)] if chosen else None


def _holder(incident: Incident | None, by: str) -> str:
    return incident.acknowledged_by[0] if incident is not None and incident.acknowledged_by else by


# ------------------------------------------------------------------ the machine
def _happens(world: "Simulation", action: Action) -> None:
    a, b, disk, life = action.a, action.b, world.disk, world.life
    kind = action.kind
    world.coverage.hit("fault", kind)
    match kind:
        case "reload":
            world.files = prepared(list(VARIANTS)[b % len(VARIANTS)])
            if life is not None and life.ready:
                life.spawn(life.reload())
        case "storm":
            _storms(world, a, b)
        case "hold":
            _holds_back(world, a, b)
        case "chain":
            _under(world, "chained", 60.0 + b % 300)
            _breaks(world, a)
        case "bad-files":
            world.files = None
            if life is not None and life.ready:
                life.spawn(life.reload())
        case "channel":
            provider = [p for p in world.providers.values() if p.name != SURE][a % 3]
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


def _under(world: "Simulation", variant: str, seconds: float) -> None:
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


def _storms(world: "Simulation", a: int, b: int) -> None:
    """Much of what can fail does so within a minute, in many groups."""
    senders = world.senders
    _under(world, "stormy", 120.0 + b % 600)

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


def _holds_back(world: "Simulation", a: int, b: int) -> None:
    """Signals that a rule holds: some resolve meanwhile, others fire on, and a service may fail on which
    theirs depends."""
    senders = world.senders
    _under(world, "quiet", 30.0 + b % 300)
    ugly = [one for one in senders.alerts if one.category == "cosmetic"]
    for n in range(1 + a % 6):
        _fires(world, ugly[(a + n) % len(ugly)], 1.0 + n * 3)
    world.later(2.0, lambda: world.post(senders.ticket(a % TICKETS, "open")))
    if b % 3 == 0:
        _ends_again(world, ugly[a % len(ugly)], 40.0)
    if b % 4:
        _breaks(world, a)


def _breaks(world: "Simulation", a: int) -> None:
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
