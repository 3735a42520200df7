"""Whatever is muted or held, nothing is lost: at the end all that still fires is in exactly one incident."""

from collections import Counter
from datetime import timedelta

from harness.examples import examples
from harness.house import CONFIG, RULES, House, alert, plain, policy_of, replayed, restored
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.model import command as c
from irpd.model.incident import MemberStatus, State
from irpd.model.signal import Signal
from irpd.model.waits import Silence

CONFIGURATION = (
    CONFIG.replace("    title: Sign-in\n", "    title: Sign-in\n    depends_on: {checkout: mutes}\n")
    + "storm: {incidents: 4, within: 3m}\n"
)
NOISY = (
    RULES.replace(
        "group:",
        """  - {id: held, match: {labels: {kind: held}}, hold: {for: 3m, or_count: 3}, because: it restarts}
group:""",
    )
    + """
silences:
  - id: nightly
    match: {labels: {kind: window}}
    window: {from: "09:05", to: "09:12", time_zone: Europe/Berlin}
    because: by plan
  - id: hourly
    match: {labels: {kind: [window, held]}}
    window: {from: "09:10", to: "09:20", time_zone: Europe/Berlin}
    because: by plan
"""
)
KEYS = tuple(f"{kind}-{n}" for kind in ("held", "window", "plain") for n in range(2))

step = st.one_of(
    st.tuples(st.just("fire"), st.sampled_from(KEYS), st.sampled_from(("checkout", "login"))),
    st.tuples(st.just("resolve"), st.sampled_from(KEYS), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from(("1s", "40s", "2m", "5m")), st.just("")),
    st.tuples(
        st.just("silence"), st.sampled_from(("held", "window", "plain")), st.sampled_from(("2m", "9m"))
    ),
    st.tuples(st.just("end"), st.sampled_from(("1", "2")), st.just("")),
    st.tuples(st.just("resolve-incident"), st.sampled_from(("1", "2")), st.just("")),
    st.tuples(st.just("configure"), st.sampled_from(("noisy", "quiet")), st.just("")),
)


def signal(key: str, status: str, service: str) -> Signal:
    return alert(key, status, labels={"kind": key.partition("-")[0], "service": service})


class Played:
    """The steps carried out; ``firing`` is what the senders believe."""

    def __init__(self) -> None:
        self.house = House(policy_of(CONFIGURATION, NOISY))
        self.firing: dict[str, str] = {}
        self.closed: set[str] = set()  # a person said that their incident is over

    def take(self, what: str, one: str, other: str) -> None:
        house = self.house
        match what:
            case "fire":
                if one not in self.firing:
                    self.closed.discard(one)  # a new episode; what only goes on stays over until it closes
                service = self.firing.setdefault(one, other)
                house.report(signal(one, "firing", service))
            case "resolve" if one in self.firing:
                house.report(signal(one, "resolved", self.firing.pop(one)))
            case "wait":
                house.forward(one)
            case "silence":
                until = house.now + timedelta(minutes=int(other[:-1]))
                house.do(c.AddSilence(by="asha", match={"labels.kind": (one,)}, until=until, because="x"))
            case "end" if house.rows.stands(Silence, one) is not None:
                house.do(c.EndSilence(by="asha", silence=int(one)))
            case "resolve-incident" if int(one) in house.rows.incidents:
                incident = house.incident(int(one))
                if incident.state.active:
                    self.closed |= {member.key[3:] for member in house.members(int(one))}
                house.resolve(int(one))
            case "configure":
                house.policy = policy_of(CONFIGURATION, NOISY if one == "noisy" else RULES)
                house.do(c.ChangeConfig(hash=one))


@settings(max_examples=examples(100))
@given(st.lists(step, max_size=30))
def test_nothing_that_fires_is_lost_and_nothing_is_twice(steps: list[tuple[str, str, str]]) -> None:
    played = Played()
    house = played.house
    for taken in steps:
        played.take(*taken)
        there = Counter(row.key[3:] for row in house.waiting() if row.status is not MemberStatus.RESOLVED)
        assert set(there.values()) <= {1}
        assert set(there) <= set(played.firing)  # what is resolved doesn't wait
    house.forward("2h")
    waits = {row.key[3:] for row in house.waiting() if row.status is not MemberStatus.RESOLVED}
    firing = Counter(
        member.key[3:]
        for incident in house.rows.incidents.values()
        if incident.state not in (State.CLOSED, State.MERGED)
        for member in house.rows.members_of(incident)
        if member.status is MemberStatus.FIRING
    )
    assert set(firing.values()) <= {1}
    # Only an outage may still mute at the end: its incident fires on.
    for row in house.waiting():
        assert row.waits is not None
        assert row.status is MemberStatus.RESOLVED or row.waits.kind == "dependency"
    assert set(played.firing) - played.closed <= set(firing) | waits
    assert set(firing) | waits <= set(played.firing) | played.closed
    assert plain(replayed(house.facts)) == plain(house.rows)
    assert plain(restored(house.rows)) == plain(house.rows)


@given(st.permutations(KEYS))
def test_the_order_of_signals_within_a_window_does_not_matter(order: list[str]) -> None:
    def parts(keys: list[str]) -> set[tuple[str, ...]]:
        house = House(policy_of(CONFIG, NOISY))
        for key in keys:
            house.report(signal(key, "firing", "checkout"))
        house.forward("40m")
        return {tuple(sorted(m.key for m in house.members(number))) for number in house.rows.incidents}

    assert parts(list(order)) == parts(list(KEYS))
