"""When a person's methods come: as their notification rules say, and no later.

The first comes at once, or when the hours of its level begin, or when a minute's silence about the incident
or a storm is over; each of the others so long after it as it is written. What that is, is read from the files
here once more.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from irpd.config.paths import Method
from irpd.config.values import Configuration
from irpd.model import event as e
from irpd.model.level import Level
from irpd.model.page import Page, PageKind, SendState
from irpd.oncall.hours import working
from simulation.judged import Decision, Violation
from simulation.worlds import RINGS

#: By how much the first message of news may be put off for what was told before it.
_PUT_OFF = timedelta(minutes=1)


def check(decision: Decision) -> Iterator[str]:
    """Raises Violation. What was met."""
    for subject, event in decision.events:
        if isinstance(event, e.Paged) and event.page.sends and subject.startswith("incident:"):
            _as_written(decision, event.page)
            someone = decision.configuration.people[event.page.person]
            if someone.quiet is not None:
                yield "quiet-hours"
            if any(rule.hours is not None for rule in _written(decision.configuration, event.page.person)):
                yield "timed-methods"
            if len(event.page.sends) > 1:
                yield "methods"


def _word_of_the_end(decision: Decision, page: Page) -> None:
    """It goes once, by a channel that reached this person about the incident."""
    reached = {
        send.channel
        for other in decision.before.pages_of(decision.after.incidents[page.incident])
        if other.person == page.person
        for send in other.sends
        if send.state is SendState.DELIVERED
    }
    if len(page.sends) != 1 or page.sends[0].channel not in reached:
        told = ", ".join(send.channel for send in page.sends)
        raise Violation("methods", f"{page.id} says by {told} that it is over, not by {sorted(reached)}")


def _as_written(decision: Decision, page: Page) -> None:
    if page.reason == "over":
        _word_of_the_end(decision, page)
        return
    first = page.sends[0].due_at
    spread = [(send.channel, send.due_at - first) for send in page.sends]
    late = timedelta(0)
    for level in _levels(decision, page):
        for begins in _beginnings(decision.configuration, page, first):
            rules = _rules(decision.configuration, page, level, begins)
            if not rules or begins + rules[0][1] != first:
                continue
            if spread != [(channel, after - rules[0][1]) for channel, after in rules]:
                continue
            put_off = begins - page.requested_at
            if not put_off or _may_wait(decision, page, level, put_off):
                return
            late = put_off
    if late:
        raise Violation("methods", f"the first method of {page.id} comes {late} late")
    told = ", ".join(f"{channel} after {after}" for channel, after in spread)
    raise Violation("methods", f"{page.id} ({page.kind}, {page.reason}) of {page.person}: {told}")


def _may_wait(decision: Decision, page: Page, level: int, put_off: timedelta) -> bool:
    if decision.configuration.storm != "none":
        return True  # ``storms`` says when those come
    if page.kind is PageKind.UPDATE:
        return put_off <= _PUT_OFF
    settings = decision.configuration.level(Level(level))
    if settings.urgency != "working-hours":
        return False
    begins = page.requested_at + put_off
    person = decision.configuration.people[page.person]
    zone = settings.hours.time_zone or person.time_zone or "UTC"
    working_before = working(settings.hours, zone, begins - timedelta(microseconds=1))
    return working(settings.hours, zone, begins) and not working_before


def _levels(decision: Decision, page: Page) -> set[int]:
    """Those that may have chosen the methods: the incident's at some time of this decision; for what evidence
    asks against a person's level, the one it asks for; for who is the last to be asked, the most severe."""
    if page.kind is PageKind.QUIET:
        return {4}
    if page.reason == "evidence":
        return {int(event.level) for _, event in decision.events if isinstance(event, e.EvidenceExceeded)}
    was, now = decision.before.incident(page.incident), decision.after.incidents[page.incident]
    levels = {int(one.level) for one in (was, now) if one is not None}
    for _, event in decision.events:
        if isinstance(event, e.LevelChanged):
            levels |= {int(event.before), int(event.after)}
    return levels | {1} if page.person in decision.configuration.fallback else levels


def _beginnings(configuration: Configuration, page: Page, first: datetime) -> set[datetime]:
    """From when its methods may count, if the first of them comes then."""
    if page.kind is PageKind.UPDATE:  # news is told by the first method, without its wait
        return {first}
    return {first - timedelta(seconds=rule.after) for rule in _written(configuration, page.person)}


def _rules(
    configuration: Configuration, page: Page, level: int, begins: datetime
) -> list[tuple[str, timedelta]]:
    """Its channels, each with its time, as the person's rules say for this level."""
    holding = holding_at(configuration, page.person, level, begins)
    if level == 4 or page.kind is not PageKind.PAGE:
        holding = holding[:1]
    waits = page.kind is not PageKind.UPDATE
    return [(name, timedelta(seconds=after if waits else 0)) for via, after in holding for name in via]


def _written(configuration: Configuration, person: str) -> tuple[Method, ...]:
    rules = configuration.people[person].notify
    if isinstance(rules, str):
        rules = configuration.notify.get(rules) or configuration.notify["default"]
    return rules


def holding_at(
    configuration: Configuration, person: str, level: int, begins: datetime
) -> list[tuple[tuple[str, ...], float]]:
    """The channels of a person's methods, each with its wait, for a page whose methods count from then."""
    zone = configuration.people[person].time_zone or "UTC"
    rules = [rule for rule in _written(configuration, person) if level in rule.levels]
    timed = [
        rule
        for rule in rules
        if rule.hours is None or working(rule.hours, zone, begins + timedelta(seconds=rule.after))
    ]
    found = []
    for rule in timed or rules:
        quiet = _quiet(configuration, person, level, begins + timedelta(seconds=rule.after))
        if via := tuple(name for name in rule.via if not (quiet and name in RINGS)):
            found.append((via, rule.after))
    return found


def _quiet(configuration: Configuration, person: str, level: int, at: datetime) -> bool:
    """Whether nothing may ring for this person at this level then."""
    someone = configuration.people[person]
    if someone.quiet is None or level == 1 or level in someone.quiet.breaks:
        return False
    begins, ends = time.fromisoformat(someone.quiet.start), time.fromisoformat(someone.quiet.end)
    local = at.astimezone(ZoneInfo(someone.time_zone or "UTC")).time()
    return begins <= local < ends if begins < ends else local >= begins or local < ends


def always_reaches(configuration: Configuration, person: str, level: Level, now: datetime) -> bool:
    """Whether a page of this level has a method, whether it comes now or when the level's hours begin."""
    if level.urgent:
        return bool(holding_at(configuration, person, level, now))
    rules = [rule for rule in _written(configuration, person) if level in rule.levels]
    return any(set(rule.via) - RINGS for rule in rules)
