"""What holds for any history: duplicates change nothing, replay gives the same rows, nobody is forgotten."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from harness.examples import examples
from harness.house import House, alert, plain, replayed, restored
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import Incident, MemberStatus, RunState, State
from irpd.model.page import PageKind, SendState
from irpd.model.signal import Signal
from irpd.protocol.receive import runs_of


# ------------------------------------------------------------------ duplicates
@st.composite
def histories(draw: st.DrawFn) -> list[tuple[float, Signal]]:
    """What one monitoring system says, in order: episodes of a few alerts, each with its own times."""
    said: list[tuple[float, Signal]] = []
    start = House().now
    for key in draw(st.lists(st.sampled_from("abc"), unique=True, min_size=1, max_size=3)):
        at = draw(st.floats(0, 100))
        more: dict[str, Any] = {"want": draw(st.integers(1, 4)), "grouped": draw(st.booleans())}
        for _ in range(draw(st.integers(1, 4))):
            fires, ends = at, at + draw(st.floats(1, 600))
            begin = start + timedelta(seconds=fires)
            said.append((fires, alert(key, starts_at=begin, **more)))
            if draw(st.integers(0, 3)):
                over = start + timedelta(seconds=ends)
                said.append((ends, alert(key, "resolved", starts_at=begin, ends_at=over, **more)))
            else:
                break  # it goes on firing
            at = ends + draw(st.floats(1, 900))
    return sorted(said, key=lambda one: one[0])


def delivered(deliveries: list[tuple[float, Signal]]) -> House:
    house = House()
    for at, signal in sorted(deliveries, key=lambda one: one[0]):
        house.forward(max(at - (house.now - house.began).total_seconds(), 0.0))
        house.report(signal)
    house.forward(10_000 - (house.now - house.began).total_seconds())
    return house


def shape(house: House) -> Any:
    """Everything but counts and times of repeats."""
    return (
        [
            (i.number, i.level, i.state, i.firing, i.members, i.flapping)
            for i in house.rows.incidents.values()
        ],
        [(m.sid, m.key, m.incident, m.n, m.status) for m in house.rows.members.values()],
        house.phones(kind=None),
    )


@given(histories(), st.data())
@settings(max_examples=examples(150))
def test_duplicates_and_re_deliveries_within_a_minute_change_nothing(
    said: list[tuple[float, Signal]], data: st.DataObject
) -> None:
    extra = [
        (at + delay, signal)
        for at, signal in said
        for delay in data.draw(st.lists(st.floats(0.0, 59.0), max_size=2))
    ]
    # A duplicate never overtakes its original: sorting is stable and the originals come first.
    assert shape(delivered([*said, *extra])) == shape(delivered(said))


@given(st.permutations("abcdef"), st.booleans())
@settings(max_examples=examples(30))
def test_the_order_of_alerts_in_a_body_does_not_show_in_what_is_open(order: list[str], grouped: bool) -> None:
    def outcome(keys: list[str]) -> Any:
        house = House()
        house.report(*(alert(key, want="abcdef".index(key) % 4 + 1, grouped=grouped) for key in keys))
        levels = {m.key: house.rows.incidents[m.incident].level for m in house.rows.members.values()}
        return len(house.rows.incidents), levels

    assert outcome(order) == outcome(sorted(order))


@given(st.lists(st.integers(1, 40)))
def test_runs_name_each_signal_as_often_as_it_came(sids: list[int]) -> None:
    runs = runs_of(sids)
    named = [sid for i in range(0, len(runs), 2) for sid in range(runs[i], runs[i] + runs[i + 1])]
    assert sorted(named) == sorted(sids)


# ------------------------------------------------------------------ any commands
numbers = st.integers(1, 6)
persons = st.sampled_from(["asha", "ben", "chi", "dora", "emil", "fay"])
reports = st.builds(
    alert,
    st.sampled_from("abcde"),
    st.sampled_from(["firing", "firing", "firing", "resolved", "resolved", "muted", "note"]),
    want=st.integers(1, 4),
    grouped=st.booleans(),
    affected=st.none() | st.integers(0, 1000),
    reporter=st.none() | st.sampled_from("xyz"),
    note=st.just("a remark"),
    group=st.sampled_from(["", "g", "h"]),
    group_closed=st.sampled_from([False] * 9 + [True]),
)


OWN: list[c.Command] = [
    c.TellOperators(key="x", title="x"),
    c.ConditionOver(key="x"),
    c.TestPage(person="asha", by="chi"),
    c.SetAside(command="Wake", error="planted"),
    c.SetAside(command="Receive", error="planted", source="am", receipt=3),
    c.ChangeConfig(hash="x"),
    c.RefuseConfig(problems=("bad",), in_force="x"),
]


class AnyHistory(RuleBasedStateMachine):
    """People, senders, channels and the time do what they like."""

    @initialize()
    def begin(self) -> None:
        self.house = House()
        self.asked_after: set[int] = set()  # escalated by hand since somebody answered all

    def attempt(self, command: c.Command) -> bool:
        """False when it was refused: then nothing may have changed."""
        before = {name: dict(rows) for name, rows in plain(self.house.rows).items()}
        facts = len(self.house.facts)
        try:
            self.house.do(command)
        except Refusal:
            refused = True
        else:
            refused = False
        assert not refused or (plain(self.house.rows) == before and len(self.house.facts) == facts)
        return not refused

    @rule(signals=st.lists(reports, min_size=1, max_size=4), source=st.sampled_from(["am", "desk"]))
    def report(self, signals: list[Signal], source: str) -> None:
        self.house.report(*signals, source=source)

    @rule(number=numbers, by=persons)
    def acknowledge(self, number: int, by: str) -> None:
        """It answers the paths of the kind that asked this person; one of another kind goes on."""
        if self.attempt(c.Acknowledge(incident=number, by=by)) and not self.house.running(number):
            self.asked_after.discard(number)

    @rule(number=numbers, by=persons)
    def decline(self, number: int, by: str) -> None:
        self.attempt(c.Decline(incident=number, by=by))

    @rule(number=numbers, by=persons)
    def undo(self, number: int, by: str) -> None:
        self.attempt(c.Undo(incident=number, by=by))

    @rule(number=numbers, by=persons, path=st.sampled_from([None, None, "business", "engineering"]))
    def escalate(self, number: int, by: str, path: str | None) -> None:
        if self.attempt(c.Escalate(incident=number, by=by, path=path)):
            self.asked_after.add(number)

    @rule(number=numbers, by=persons, level=st.integers(1, 4))
    def set_level(self, number: int, by: str, level: int) -> None:
        self.attempt(c.SetLevel(incident=number, by=by, level=level, because="I looked"))

    @rule(number=numbers, by=persons)
    def resolve(self, number: int, by: str) -> None:
        self.attempt(c.Resolve(incident=number, by=by))

    @rule(number=numbers, by=persons)
    def reopen(self, number: int, by: str) -> None:
        self.attempt(c.Reopen(incident=number, by=by))

    @rule(number=numbers, into=numbers)
    def merge(self, number: int, into: int) -> None:
        self.attempt(c.Merge(incident=number, into=into, by="asha"))

    @rule(number=numbers, signals=st.lists(st.integers(1, 4), min_size=1, max_size=3))
    def split(self, number: int, signals: list[int]) -> None:
        self.attempt(c.Split(incident=number, signals=tuple(signals), by="asha"))

    @rule(level=st.none() | st.integers(1, 4))
    def open_by_hand(self, level: int | None) -> None:
        if len(self.house.rows.incidents) < 6:
            self.attempt(c.Open(by="fay", title="by hand", service="checkout", level=level))

    @rule(number=numbers)
    def mark_stale(self, number: int) -> None:
        before = self.house.now - timedelta(minutes=10)
        self.house.do(c.MarkStale(incident=number, before=before))

    @rule(what=st.sampled_from(OWN))
    def of_irpd_itself(self, what: c.Command) -> None:
        self.house.do(what)

    @rule(seconds=st.sampled_from([1, 30, 61, 300, 900, 1800, 7200]))
    def forward(self, seconds: int) -> None:
        self.house.forward(seconds)

    @rule(seconds=st.sampled_from([60, 3600, 30_000]))
    def sleep(self, seconds: int) -> None:
        self.house.sleep(seconds)

    @rule(broken=st.sets(st.sampled_from(["mail", "sms"])))
    def channels(self, broken: set[str]) -> None:
        self.house.broken = broken

    # -------------------------------------------------------------- what always holds
    @property
    def incidents(self) -> Iterator[Incident]:
        return iter(self.house.rows.incidents.values()) if hasattr(self, "house") else iter(())

    @invariant()
    def nobody_is_forgotten(self) -> None:
        for incident in self.incidents:
            if incident.state is not State.OPEN or incident.acknowledged_by or incident.level == 4:
                continue
            if incident.unconfirmed and not incident.level.urgent:
                assert incident.quiet_since is not None, incident
                continue
            due = [run.next_at for run in incident.paths if run.state is RunState.RUNNING and run.next_at]
            assert due, f"{incident.ref} is open and nobody will ever be paged: {incident}"

    @invariant()
    def what_is_over_pages_nobody(self) -> None:
        for incident in self.incidents:
            asking = [
                page.id
                for page in self.house.rows.pages_of(incident)
                if page.live and page.kind in (PageKind.PAGE, PageKind.QUIET)
            ]
            if not incident.state.active:
                assert not asking
                assert all(run.next_at is None for run in incident.paths)

    @invariant()
    def who_has_it_is_left_alone(self) -> None:
        for incident in self.incidents:
            assert (incident.state is State.ACKNOWLEDGED) == bool(incident.acknowledged_by) or (
                not incident.state.active
            )
            if incident.state is State.ACKNOWLEDGED and incident.number not in self.asked_after:
                assert not self.house.running(incident.number), incident

    @invariant()
    def counts_are_what_the_rows_say(self) -> None:
        seen: list[int] = []
        for incident in self.incidents:
            members = list(self.house.rows.members_of(incident))
            seen += [member.sid for member in members]
            assert incident.members == len(members)
            firing = (MemberStatus.FIRING, MemberStatus.STALE)
            assert incident.firing == sum(member.status in firing for member in members)
            assert incident.flapping == sum(member.flapping for member in members)
            assert incident.reporters == len({m.reporter for m in members if m.reporter is not None})
            assert {member.incident for member in members} <= {incident.number}
        if hasattr(self, "house"):
            assert sorted(seen) == sorted(self.house.rows.members), "each signal is in exactly one incident"

    @invariant()
    def nothing_due_is_left_over(self) -> None:
        if hasattr(self, "house"):
            for page in self.house.rows.pages.values():
                for send in page.sends:
                    late = send.state is SendState.PENDING and send.due_at <= self.house.now
                    assert not (page.live and late) or page.requested_at < self.house.now

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        live = plain(self.house.rows)
        assert plain(replayed(self.house.facts)) == live
        assert plain(restored(self.house.rows)) == live
        ids = [event.page.id for _, event, _ in self.house.facts if isinstance(event, e.Paged)]
        assert len(ids) == len(set(ids))
        versions: dict[str, int] = {}
        for subject, _, _ in self.house.facts:
            versions[subject] = versions.get(subject, 0) + 1
        for incident in self.incidents:
            assert incident.version == versions[f"incident:{incident.number}"]


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=examples(150), stateful_step_count=30)
