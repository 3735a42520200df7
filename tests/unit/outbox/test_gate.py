"""When a provider is taken for down, who is kept from it, and how it comes back."""

from random import Random

import pytest

from irpd.engine.ports import Outcome
from irpd.outbox.gate import FAILURES, PROBE_AT_MOST, PROBE_FIRST, PROBE_LONGEST, Gates

LOST = Outcome(kind="transient", detail="timed out")
TAKEN = Outcome(kind="delivered")


class Seen:
    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []
        self.gates = Gates(Random(7), lambda name, up: self.told.append((name, up)))

    def fail(self, *addresses: str, at: float = 0.0, channel: str = "mail") -> None:
        for address in addresses:
            self.gates.ended(channel, address, LOST, at)

    def open(self, address: str = "a", at: float = 0.0, channel: str = "mail") -> bool:
        return self.gates.closed(channel, address, at) is None


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_a_provider_is_down_after_five_failures_in_a_row_and_not_before(seen: Seen) -> None:
    seen.fail("a", "b", "a", "b")
    assert seen.open()
    seen.fail("a")
    closed = seen.gates.closed("mail", "c", 0.0)
    assert closed is not None
    assert closed.down
    assert closed.why == "mail is down: timed out"
    assert seen.told == [("mail", False)]
    assert seen.gates.down() == {"mail": (0.0, "timed out")}


@pytest.mark.parametrize(
    "answer", [TAKEN, Outcome(kind="permanent"), Outcome(kind="transient", retry_after=0)]
)
def test_any_answer_in_between_shows_that_it_works(seen: Seen, answer: Outcome) -> None:
    seen.fail("a", "b", "a", "b")
    seen.gates.ended("mail", "c", answer, 0.0)
    seen.fail("a", "b", "a", "b")
    assert seen.open("c")
    assert seen.told == []


def test_other_channels_and_other_hosts_go_on(seen: Seen) -> None:
    seen.fail(*["https://dead.example/a", "https://dead.example/b"] * 3, channel="hook")
    assert seen.open("a", channel="mail")
    assert seen.open("https://alive.example/a", channel="hook")
    assert not seen.open("https://dead.example/c", channel="hook")
    assert seen.gates.down()["hook"][1] == "dead.example: timed out"


def test_failures_of_one_address_alone_close_nobody_elses(seen: Seen) -> None:
    seen.fail(*["a"] * FAILURES)
    assert not seen.open("a")
    assert seen.open("b")
    seen.fail("b")
    assert not seen.open("c")


def test_one_probe_at_a_time_and_ever_less_often(seen: Seen) -> None:
    seen.fail("a", "b", "a", "b", "a")
    now, waits = 0.0, []
    for _ in range(4):
        closed = seen.gates.closed("mail", "c", now)
        assert closed is not None
        waits.append(closed.seconds)
        now += closed.seconds
        assert seen.open("c", now)
        seen.gates.begins("mail", "c", now)
        assert not seen.open("d", now), "a second probe beside the first"
        seen.fail("c", at=now)
    for wait, nominal in zip(waits, [PROBE_FIRST, 20, PROBE_LONGEST, PROBE_LONGEST], strict=True):
        assert nominal * 0.8 <= wait <= nominal * 1.2
    assert seen.told == [("mail", False)]


def test_failures_that_were_under_way_when_it_went_down_put_no_probe_off(seen: Seen) -> None:
    seen.fail(*["a", "b"] * 10)
    closed = seen.gates.closed("mail", "c", 0.0)
    assert closed is not None
    assert closed.seconds <= PROBE_FIRST * 1.2


def test_a_probe_that_never_ends_gives_way_to_another(seen: Seen) -> None:
    seen.fail("a", "b", "a", "b", "a")
    seen.gates.begins("mail", "c", 20.0)
    assert not seen.open("d", 21.0)
    assert seen.open("d", 20.0 + PROBE_AT_MOST)


def test_the_first_success_opens_it_for_all(seen: Seen) -> None:
    seen.fail("a", "b", "a", "b", "a")
    assert seen.gates.ended("mail", "c", TAKEN, 30.0) is True
    assert seen.open("a", 30.0)
    assert seen.told == [("mail", False), ("mail", True)]
    assert seen.gates.down() == {}
    assert seen.gates.ended("mail", "c", TAKEN, 30.0) is False


def test_a_channel_with_one_host_down_of_two_is_up_only_when_both_are(seen: Seen) -> None:
    for host in ("one", "two"):
        seen.fail(*[f"https://{host}/a"] * FAILURES, channel="hook")
    seen.gates.ended("hook", "https://one/a", TAKEN, 9.0)
    assert seen.told[-1] == ("hook", False)
    seen.gates.ended("hook", "https://two/a", TAKEN, 9.0)
    assert seen.told[-1] == ("hook", True)


def test_a_pause_is_the_addresss_own_unless_the_provider_says_more(seen: Seen) -> None:
    seen.gates.ended("mail", "a", Outcome(kind="transient", retry_after=40), 0.0)
    assert not seen.open("a", 39.0)
    assert seen.open("b", 39.0)
    assert seen.open("a", 40.0)
    seen.gates.ended("mail", "a", Outcome(kind="transient", retry_after=40, pauses="channel"), 50.0)
    assert not seen.open("b", 89.0)
    assert seen.open("b", 89.0, channel="sms")
    assert seen.open("b", 90.0)


@pytest.mark.parametrize("asked", [float("nan"), float("inf"), -5.0])
def test_a_pause_of_no_sensible_length_is_none(seen: Seen, asked: float) -> None:
    seen.gates.ended("mail", "a", Outcome(kind="transient", retry_after=asked, pauses="channel"), 0.0)
    assert seen.open("a", 0.1)


def test_what_is_known_of_a_channel_goes_with_its_settings(seen: Seen) -> None:
    seen.fail("a", "b", "a", "b", "a")
    seen.gates.ended("mail", "a", Outcome(kind="transient", retry_after=40), 0.0)
    seen.gates.forget("mail")
    assert seen.open("a")
    assert seen.gates.down() == {}
