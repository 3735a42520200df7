"""Steps of people, and of what irpd asks and is answered: commands, and the answers of monitoring."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from irpd.model import command as c
from irpd.model.incident import Incident, State
from irpd.model.override import Override
from irpd.model.page import Word
from irpd.model.waits import Silence
from simulation.actions import Action
from simulation.phones import Shown
from simulation.plots import alerts_of
from simulation.senders import Alert

if TYPE_CHECKING:
    from simulation.run import Simulation


PEOPLE = ("asha", "ben", "chi", "dora", "emil", "fay", "local:ops")


def acts(world: "Simulation", action: Action) -> bool:
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
        case "override":
            _overrides(world, a, b, by)
        case "swap":
            first, gap = world.now() + timedelta(hours=b % 30), timedelta(hours=20 + a % 12)
            world.ask(c.SwapShifts(by=by, schedule="first", first=first, second=first + gap))
        case "end-override":
            overrides = world.model.rows.all_standing(Override)
            standing = [one.id for one in overrides if b % 9 == 0 or one.until > world.now()]
            world.ask(c.EndOverride(by=by, override=standing[a % len(standing)] if standing else 1))
        case "answers":
            _answers(world, a, b)
        case "ease":
            _eases(world, a, b)
        case "recall":
            _recalls(world, a, b, by)
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
            had = [i.number for i in world.model.rows.incidents.values() if i.state is State.ACKNOWLEDGED]
            number = had[a % len(had)] if had and b % 2 else number
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


def _overrides(world: "Simulation", a: int, b: int, by: str) -> None:
    """Somebody is on call for somebody else, or isn't there, now or in a while; and something fires then."""
    now = world.now()
    since = None if a % 3 else now + timedelta(seconds=20 + a % 200)
    until = (since or now) + timedelta(seconds=60 + b % 2400)
    person = PEOPLE[a // 3 % 6]
    schedule = ("first", "first", "support")[b % 3]
    match b // 3 % 4:
        case 0 | 1:
            made = c.AddOverride(by=by, schedule=schedule, person=person, since=since, until=until)
        case 2:
            made = c.AddOverride(by=by, away=person, since=since, until=until, because="ill")
        case _:
            made = c.AddOverride(by=by, schedule=schedule, since=since, until=until)
    world.ask(made)
    alert = world.senders.alerts[a % len(world.senders.alerts)]
    fires = world.senders.fire
    world.later(float(b % 40), lambda: world.post(fires(alert, world.now())))


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
    own, senders = alerts_of(world, incident), world.senders
    if not own or a % 3 == 0:
        return
    first = own[0]
    group = [x for x in senders.alerts if (x.service, x.environment) == (first.service, first.environment)]
    quiet = [alert for alert in group if not alert.firing and alert not in own]
    world.later(1.0, lambda: world.post(senders.post([first])))
    if quiet:
        world.later(2.0, lambda: world.post(senders.fire(quiet[a % len(quiet)], world.now())))


def _recalls(world: "Simulation", a: int, b: int, by: str) -> None:
    """A person speaks of an incident that has left memory, at times of one twice or of two at once; and what
    was in it may fire just then."""
    rows, life = world.model.rows, world.life
    here = life.engine.state.incidents if life is not None and life.ready else {}
    gone = [one for one in rows.incidents.values() if one.number not in here]
    if not gone or life is None or not life.ready:
        return
    incident = gone[a % len(gone)]
    world.hit("met", "recalled")
    number, own = incident.number, alerts_of(world, incident)
    if own and b % 3 == 0:
        world.later(world.chance.choice((0.0, 0.001, 0.5)), partial(_fires_anew, world, own[a % len(own)]))
    page = f"{number}-{1 + a % max(incident.pages, 1)}"
    match b % 12:
        case 0 | 1:
            world.ask(c.Note(incident=number, by=by, text="it was the cache"))
        case 2 | 3:
            world.ask(c.Reopen(incident=number, by=by, because="not fixed"))
            world.later(0.002, partial(world.ask, c.Acknowledge(incident=number, by=by)))
        case 4:
            world.ask(c.Acknowledge(incident=number, by=by, via="link", page=page))
            world.ask(c.Note(incident=number, by=by, text="twice"))
        case 5:
            world.ask(c.Decline(incident=number, by=by, via="link", page=page))
        case 6:
            world.ask(c.Undo(incident=number, by=by))
        case 7:
            other = gone[b % len(gone)]
            world.ask(c.Merge(incident=number, into=other.number, by=by))
        case 8:
            active = _incident(world, b)
            world.ask(c.Merge(incident=active.number if active is not None else 1, into=number, by=by))
        case 9:
            world.ask(c.Split(incident=number, signals=(1,), by=by))
            world.ask(c.SetLevel(incident=number, by=by, level=1, because="it is worse"))
        case 10:
            world.ask(c.SeePage(page=page))
        case _:
            world.ask(c.Resolve(incident=number, by=by, because="fixed"))
            world.ask(c.Escalate(incident=number, by=by))


def _fires_anew(world: "Simulation", alert: Alert) -> None:
    world.post(world.senders.resolve(alert, world.now()))
    world.post(world.senders.fire(alert, world.now()))


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
