"""Shadow mode ends: whom what was left open asks then, and whom it doesn't."""

from harness.house import CONFIG, House, alert, policy_of

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import State
from irpd.model.page import PageKind
from irpd.model.shadow import Shadow
from irpd.protocol.evolve import evolve
from irpd.protocol.rows import Rows

SHADOWED = policy_of("shadow: true\n" + CONFIG)
OPEN_EYED = policy_of()


def shadowed() -> House:
    house = House(SHADOWED)
    house.do(c.RecordStart(version="1"))
    return house


def leave(house: House) -> None:
    house.policy = OPEN_EYED
    house.do(c.ChangeConfig(hash="b", previous="a", by="test"))


def test_it_is_known_since_when_it_holds_and_a_start_in_it_begins_nothing_anew() -> None:
    house = shadowed()
    since = house.now
    house.forward("2h")
    house.do(c.RecordStart(version="1"))
    assert house.rows.stands(Shadow, "shadow") == Shadow(since=since)
    leave(house)
    assert house.rows.stands(Shadow, "shadow") is None


def test_without_it_nothing_is_said_of_it() -> None:
    house = House(OPEN_EYED)
    house.do(c.RecordStart(version="1"))
    leave(house)
    assert house.rows.stands(Shadow, "shadow") is None


def test_what_is_urgent_and_fires_and_is_nobodys_asks_whom_its_path_names_first() -> None:
    house = shadowed()
    house.report(alert("a"))
    house.forward("7m")  # the second step has come
    leave(house)
    assert house.people(since="7m") == ["7m asha"]
    assert house.live() == ["asha"], "pages of the time before are live still"
    house.forward("5m")
    assert house.people(since="12m") == ["12m chi"]


def test_what_is_not_urgent_or_somebody_has_or_has_passed_asks_nobody_any_more() -> None:
    house = shadowed()
    house.report(alert("not urgent", want=3))
    house.report(alert("acknowledged", want=1))
    house.report(alert("passed", want=1))
    house.report(alert("resolved", want=1))
    house.ack(number=2)
    house.report(alert("passed", "resolved", want=1))
    house.resolve(number=4)
    house.forward("7m")
    leave(house)
    house.forward("20m")  # before an acknowledgement of level 1 has gone stale
    assert house.people(since="7m") == []
    assert [house.live(n) for n in (1, 2, 3, 4)] == [[], [], [], []]
    assert [house.incident(n).state for n in (1, 2, 3)] == [State.OPEN, State.ACKNOWLEDGED, State.OPEN]


def test_news_that_had_not_gone_out_before_goes_to_nobody() -> None:
    house = shadowed()
    house.report(alert("a", grouped=True))
    house.ack()
    house.delivers = False
    house.report(alert("b", grouped=True))
    pending = [page for page in house.rows.pages_of(house.incident()) if page.live]
    assert PageKind.UPDATE in {page.kind for page in pending}
    leave(house)
    assert not [page for page in house.rows.pages_of(house.incident()) if page.live]


def test_what_asks_nobody_any_more_asks_again_when_it_gets_worse() -> None:
    house = shadowed()
    house.report(alert("a", want=3))
    leave(house)
    house.forward("1h")
    house.set_level(1)
    assert house.people(since="1h") == ["60m asha"]


def test_what_was_opened_by_hand_and_is_open_still_asks() -> None:
    house = shadowed()
    house.do(c.Open(by="asha", title="All is slow", service="checkout", level=2))
    house.forward("7m")
    leave(house)
    assert house.people(since="7m")[0].startswith("7m ")


def test_the_events_come_to_the_same_rows() -> None:
    house = shadowed()
    house.report(alert("a"))
    leave(house)
    rows = Rows()
    for subject, event, at in house.facts:
        evolve(rows, subject, event, at)
    assert rows.incidents == house.rows.incidents
    assert not rows.any_standing(Shadow)
    said = [event for subject, event, _ in house.facts if subject == "shadow"]
    assert said == [e.ShadowBegan(), e.ShadowEnded()]
