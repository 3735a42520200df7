"""Whatever is done in whatever order: no role of a level 1-2 incident is left without somebody who has it or
is asked, no objective without a state, and answers about these leave the incident's acknowledgement alone."""

from contextlib import suppress

from harness.house import CONFIG, House, alert, plain, policy_of, replayed
from hypothesis import given
from hypothesis import strategies as st

from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.incident import Incident
from irpd.model.signal import OWN
from irpd.protocol.deadlines import next_deadline

TEXT = (
    CONFIG
    + """
roles:
  commander: {schedule: first-responder}
  communications: {person: fay, levels: [1, 2, 3]}
  technical-lead: {schedule: empty, levels: [1]}
teams:
  dba: {people: [dora, fay], schedules: [first-responder]}
"""
)

PEOPLE = ("asha", "ben", "chi", "dora", "emil", "fay")
ROLES = ("commander", "communications", "technical-lead", "expert")
persons = st.sampled_from(PEOPLE)
numbers = st.sampled_from((1, 2))
roles = st.sampled_from((*ROLES, ""))
teams = st.sampled_from(("dba", "chi"))
COMMANDS = st.one_of(
    st.builds(c.Acknowledge, incident=numbers, by=persons),
    st.builds(c.Decline, incident=numbers, by=persons),
    st.builds(c.Undo, incident=numbers, by=persons),
    st.builds(c.SetLevel, incident=numbers, by=persons, level=st.integers(1, 4), because=st.just("seen")),
    st.builds(c.Resolve, incident=numbers, by=persons),
    st.builds(c.Reopen, incident=numbers, by=persons),
    st.builds(c.Merge, incident=st.just(2), by=persons, into=st.just(1)),
    st.builds(c.AssignRole, incident=numbers, by=persons, role=st.sampled_from(ROLES), person=persons),
    st.builds(c.AcceptRole, incident=numbers, by=persons, role=roles),
    st.builds(c.DeclineRole, incident=numbers, by=persons, role=roles),
    st.builds(c.AskHelp, incident=numbers, by=persons, who=teams, question=st.just("?")),
    st.builds(c.AnswerHelp, incident=numbers, by=persons, ask=st.integers(1, 3), text=st.just("yes")),
    st.builds(c.Note, incident=numbers, by=persons, text=st.just("told"), update=st.booleans()),
    st.builds(c.TellOperators, key=st.just("k"), title=st.just("irpd's own")),
)  # fmt: skip
STEPS = st.lists(
    st.one_of(
        COMMANDS,
        st.tuples(st.just("report"), st.sampled_from(("a", "b")), st.sampled_from((1, 2, 3))),
        st.tuples(st.just("over"), st.sampled_from(("a", "b"))),
        st.tuples(st.just("forward"), st.sampled_from((60, 301, 1000, 4000, 16_000))),
        st.tuples(st.just("sleep"), st.sampled_from((600, 40_000))),
        st.tuples(st.just("press"), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("break"), st.sets(st.sampled_from(("mail", "sms")), max_size=2)),
    ),
    max_size=25,
)


def press(house: House, which: int, yes: bool) -> None:
    """The button of a page that asks for something else; the incident stays as it was."""
    pages = [page for page in house.rows.pages.values() if page.asks]
    if not pages:
        return
    page = pages[which % len(pages)]
    kind = c.Acknowledge if yes else c.Decline
    before = house.incident(page.incident)
    with suppress(Refusal):
        house.do(kind(incident=page.incident, by=page.person, page=page.id, via="link"))
    after = house.incident(page.incident)
    assert (after.acknowledged_by, after.declined_by, after.state) == (
        before.acknowledged_by, before.declined_by, before.state,
    )  # fmt: skip


def act(house: House, step: object) -> None:
    match step:
        case ("report", str() as key, int() as want):
            house.report(alert(key, want=want))
        case ("over", str() as key):
            house.report(alert(key, "resolved"))
        case ("forward", int() as seconds):
            house.forward(float(seconds))
        case ("sleep", int() as seconds):
            house.sleep(float(seconds))
            house.forward(0.0)
        case ("press", int() as which, bool() as yes):
            press(house, which, yes)
        case ("break", set() as broken):
            house.broken = {("fay", one) for one in broken} | {("ben", one) for one in broken}
        case _:
            with suppress(Refusal):
                house.do(step)  # type: ignore[arg-type]  # what else it may be is a command


def whole(house: House, incident: Incident) -> None:
    kept = incident.objectives
    if not incident.state.active:
        assert kept.resolution is not None
        assert not kept.resolution.running
        assert kept.update is None or not kept.update.running
        assert all(seat.next_at is None for seat in incident.seats.values())
        assert not any(page.live and page.asks for page in house.rows.pages_of(incident))
        return
    assert kept.resolution is not None
    assert kept.resolution.state in ("running", "missed")
    assert incident.respond_state in ("running", "met", "missed")
    if incident.level < 4 and incident.source != OWN:
        assert kept.update is not None
        assert kept.update.running
    due = next_deadline(incident)
    assert due is None or due > house.now
    for clock in (kept.resolution, kept.update):
        assert clock is None or not clock.running or clock.due_at > house.now
    if not incident.level.urgent or incident.source == OWN:
        return
    for role, settings in house.policy.configuration.roles.items():
        if incident.level not in settings.levels:
            continue
        seat = incident.seats[role]
        if seat.accepted:
            assert incident.roles[role] in PEOPLE
            continue
        assert seat.next_at is not None
        assert seat.next_at > house.now
        asked = [page.person for page in house.rows.pages_of(incident) if page.asks == f"role:{role}"]
        assert seat.asked in asked


@given(steps=STEPS)
def test_no_role_and_no_objective_is_forgotten(steps: list[object]) -> None:
    house = House(policy_of(TEXT))
    house.report(alert("a", want=1))
    house.report(alert("b", want=3))
    for step in steps:
        act(house, step)
        for incident in house.rows.incidents.values():
            whole(house, incident)
    assert plain(replayed(house.facts)) == plain(house.rows)
