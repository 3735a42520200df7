"""What senders say is firing, against what irpd believes: what was missed opens, what ended ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from harness import free_port

from irpd.evidence import Reconciler
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import MemberStatus, State

EARLIER = "2026-11-24T07:30:00.000Z"  # half an hour before the tests' now
FIRING = MemberStatus.FIRING


def fingerprint(name: str) -> str:
    return name.encode().hex()[:16].ljust(16, "0")


def listed(name: str, state: str = "active", *, since: str = EARLIER, **labels: str) -> dict[str, Any]:
    """An alert as ``GET /api/v2/alerts`` names it."""
    return {
        "annotations": {"summary": f"Alert {name}"}, "endsAt": "2026-11-24T09:00:00.000Z",
        "fingerprint": fingerprint(name), "generatorURL": "", "receivers": [{"name": "irpd"}],
        "startsAt": since, "updatedAt": since, "labels": {"alertname": name, "service": "checkout", **labels},
        "status": {"inhibitedBy": [], "silencedBy": [], "state": state},
    }  # fmt: skip


@pytest.fixture
def looking(company: Any, session: aiohttp.ClientSession, server: Any, wait_until: Any) -> Callable[..., Any]:
    """The company with a sender that can be asked; ``look`` lets it be asked once more."""

    @asynccontextmanager
    async def start(source: str = "am", api: str = "", **more: Any) -> AsyncIterator[Any]:
        server.answers.setdefault("/api/v2/status", {"uptime": "2026-11-24T01:00:00.000Z"})
        server.answers.setdefault("/api/v2/alerts", [])
        kind = {"am": "alertmanager", "sentry": "sentry"}[source]
        old = f"  {source}: {{type: {kind}, auth: none}}\n"
        urls = more.pop("urls", [server.url])
        new = f"  {source}: {{type: {kind}, auth: none, api: {{urls: {urls}, every: 60s{api}}}}}\n"
        one = await company((old, new))
        one.reconciler = Reconciler(
            one.engine, one.clock, session, one.sources, one.counted, last_alive=more.get("last_alive")
        )
        one.reconciler.use(one.configuration)
        task = asyncio.create_task(one.reconciler.run())

        async def look() -> list[str]:
            """What was counted in one more look."""
            before = len(one.counted.lines)
            one.clock.forward(61)
            one.reconciler.use(one.configuration)  # wakes it
            ends = (f"{source} answered", f"{source} failed")
            await wait_until(lambda: any(line in ends for line in one.counted.lines[before:]), "the look")
            return one.counted.lines[before:]  # type: ignore[no-any-return]

        one.look = look
        yield one
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return start


def notes(one: Any, number: int) -> list[str]:
    return [event.text for event in one.events(number) if isinstance(event, e.Noted)]


def member(one: Any, name: str, source: str = "am") -> Any:
    return one.engine.state.member_of(f"{source}/{name if source == 'sentry' else fingerprint(name)}")


# ------------------------------------------------------------------ Alertmanager
async def test_what_irpd_missed_is_opened_paged_and_said(looking: Any, server: Any) -> None:
    async with looking() as one:
        server.answers["/api/v2/alerts"] = [listed("Lost", want="1")]
        assert await one.look() == ["am missed 1", "am answered"]
        incident = one.engine.state.incidents[1]
        assert (incident.title, incident.level) == ("Alert Lost", 1)
        assert one.engine.state.pages_of(1)
        assert notes(one, 1) == ["1.1: Alertmanager was asked: it fires there, and no report of it had come."]
        assert await one.look() == ["am answered"]  # once
        assert one.engine.journal.receipt(1) is not None  # kept and replayed like any report


async def test_what_ended_without_a_word_ends_and_a_level_four_incident_with_it(
    looking: Any, server: Any
) -> None:
    async with looking() as one:
        number = await one.report("Stuck", want="4")
        assert await one.look() == ["am ended 1", "am answered"]
        assert member(one, "Stuck").status is MemberStatus.RESOLVED
        (event,) = [event for event in one.events(number) if isinstance(event, e.SignalResolved)]
        assert event.because.startswith("Alertmanager was asked: it no longer fires there")
        assert one.engine.state.incidents[number].unconfirmed


async def test_what_both_know_is_left_alone(looking: Any, server: Any) -> None:
    async with looking() as one:
        number = await one.report("Known", want="2")
        before = len(one.events(number))
        server.answers["/api/v2/alerts"] = [listed("Known", want="2")]
        assert await one.look() == ["am answered"]
        assert len(one.events(number)) == before


@pytest.mark.parametrize("state", ["suppressed", "unprocessed"])
async def test_what_is_silenced_there_neither_opens_nor_ends(looking: Any, server: Any, state: str) -> None:
    async with looking() as one:
        await one.report("Known", want="2")
        server.answers["/api/v2/alerts"] = [listed("Known", state), listed("Other", state)]
        assert await one.look() == ["am answered"]
        assert member(one, "Known").status is FIRING
        assert member(one, "Other") is None


async def test_an_alert_whose_report_may_still_come_is_waited_for(looking: Any, server: Any) -> None:
    async with looking() as one:
        server.answers["/api/v2/alerts"] = [listed("Young", since="2026-11-24T08:00:30.000Z")]
        assert await one.look() == ["am answered"]
        assert await one.look() == ["am answered"]
        assert await one.look() == ["am missed 1", "am answered"]


async def test_one_that_has_just_started_ends_nothing(looking: Any, server: Any) -> None:
    server.answers["/api/v2/status"] = {"uptime": "2026-11-24T07:59:00.000Z"}
    async with looking() as one:
        await one.report("Known", want="2")
        for _ in range(3):
            assert await one.look() == ["am answered"]
        assert member(one, "Known").status is FIRING
        one.clock.forward(300)
        assert "am ended 1" in await one.look()


async def test_of_several_all_must_have_answered_before_anything_ends(looking: Any, server: Any) -> None:
    async with looking(urls=[server.url, f"http://127.0.0.1:{free_port()}"]) as one:
        await one.report("Known", want="2")
        server.answers["/api/v2/alerts"] = [listed("Lost", want="2")]
        assert await one.look() == ["am missed 1", "am answered"]
        assert member(one, "Known").status is FIRING


async def test_a_signal_heard_of_while_it_is_asked_is_left_alone(looking: Any, server: Any) -> None:
    async with looking() as one:
        wanted = asyncio.Event()
        server.answers["/api/v2/alerts"] = lambda said: wanted.set() or "hang"
        look = asyncio.create_task(one.look())
        async with asyncio.timeout(30):
            await wanted.wait()
        one.clock.forward(1)
        await one.report("Young", want="2")
        server.answers["/api/v2/alerts"] = []
        server.hangs.set()
        await look
        assert member(one, "Young").status is FIRING


async def test_one_that_was_resolved_here_just_now_is_not_opened_again(looking: Any, server: Any) -> None:
    async with looking() as one:
        await one.report("Over", want="2")
        await one.report("Over", status="resolved", want="2")
        server.answers["/api/v2/alerts"] = [listed("Over", want="2")]
        assert await one.look() == ["am answered"]
        assert member(one, "Over").status is MemberStatus.RESOLVED


async def test_only_alerts_of_the_receiver_are_asked_for(looking: Any, server: Any) -> None:
    async with looking(api=", receiver: irpd") as one:
        await one.look()
        assert ("/api/v2/alerts", {"receiver": "^(?:irpd)$"}) in server.asked


@pytest.mark.parametrize("answer", [503, "<html>", {"a": 1}, "hang"])
async def test_one_that_does_not_answer_changes_nothing_and_is_named(
    looking: Any, server: Any, answer: Any
) -> None:
    async with looking(api=", timeout: 1s") as one:
        await one.report("Known", want="2")
        server.answers["/api/v2/alerts"] = answer
        assert await one.look() == ["am failed"]
        assert member(one, "Known").status is FIRING
        assert set(one.reconciler.problems) == {"am"}
        server.answers["/api/v2/alerts"] = [listed("Known")]
        server.hangs.set()
        assert await one.look() == ["am answered"]
        assert one.reconciler.problems == {}


async def test_elements_that_are_no_alerts_cost_only_themselves(looking: Any, server: Any) -> None:
    async with looking() as one:
        bad = [
            None,
            3,
            {},
            {"fingerprint": 1, "labels": {}},
            {"fingerprint": "x"},
            {**listed("L"), "status": 1},
        ]
        server.answers["/api/v2/alerts"] = [*bad, listed("Lost", want="2")]
        assert await one.look() == ["am missed 1", "am answered"]


async def test_many_missed_ones_come_in_as_several_bodies(looking: Any, server: Any) -> None:
    async with looking() as one:
        server.answers["/api/v2/alerts"] = [listed(f"{n:04}", want="4", grouped="yes") for n in range(1200)]
        assert await one.look() == ["am missed 1200", "am answered"]
        assert one.engine.state.incidents[1].members == 1200
        assert await one.look() == ["am answered"]


async def test_what_fires_there_and_was_resolved_here_long_ago_fires_again(looking: Any, server: Any) -> None:
    async with looking() as one:
        number = await one.report("Back", want="2")
        await one.report("Back", status="resolved", want="2")
        one.clock.forward(600)
        server.answers["/api/v2/alerts"] = [listed("Back", want="2", since="2026-11-24T08:05:00.000Z")]
        assert await one.look() == ["am missed 1", "am answered"]
        assert member(one, "Back").status is FIRING
        assert one.engine.state.incidents[number].state is State.OPEN


async def silenced(one: Any) -> None:
    until = one.clock.now() + timedelta(hours=1)
    command = c.AddSilence(match={"service": ("checkout",)}, until=until, by="asha", because="CHG-1")
    await one.engine.submit(command)


async def test_what_is_muted_here_is_not_missed(looking: Any, server: Any) -> None:
    async with looking() as one:
        await silenced(one)
        await one.report("Muted", want="2")
        server.answers["/api/v2/alerts"] = [listed("Muted", want="2")]
        one.clock.forward(600)
        before = member(one, "Muted")
        for _ in range(3):
            assert await one.look() == ["am answered"]
        assert member(one, "Muted") == before, "to be asked about is no report: a hold would count it"


async def test_what_is_muted_here_and_ended_without_a_word_opens_nothing_at_the_end(
    looking: Any, server: Any
) -> None:
    async with looking() as one:
        number = await one.report("Stuck", want="4")
        await silenced(one)
        await one.report("Muted", want="2")
        assert await one.look() == ["am ended 2", "am answered"]
        assert member(one, "Muted").status is MemberStatus.RESOLVED
        assert one.engine.state.incidents[number].firing == 0
        await one.engine.submit(c.EndSilence(silence=1, by="asha"))
        assert list(one.engine.state.incidents) == [number]


# ------------------------------------------------------------------ Sentry
ISSUES = "/api/0/organizations/shop/issues/"
ORGANIZATION = ", organization: shop"


def issue(number: str, status: str = "unresolved", users: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "shortId": f"SHOP-{number}", "title": f"Error {number}", "status": status,
        "userCount": users, "count": "3", "level": "error", "firstSeen": EARLIER,
        "project": {"slug": "web", "id": "1"}, "platform": "python", **more,
    }  # fmt: skip


async def created(one: Any, number: str, users: int) -> int:
    body = {"action": "created", "data": {"issue": issue(number, users=users)}}
    said = await one.receive("sentry", body, {"Sentry-Hook-Resource": "issue"})
    return next(iter(said.incidents))


async def test_an_issue_that_was_resolved_without_a_word_ends(looking: Any, server: Any) -> None:
    server.answers[ISSUES] = []
    async with looking("sentry", ORGANIZATION) as one:
        number = await created(one, "7", 3)
        server.answers[f"{ISSUES}7/"] = issue("7", "resolved", 3)
        assert await one.look() == ["sentry ended 1", "sentry answered"]
        assert member(one, "issue:7", "sentry").status is MemberStatus.RESOLVED
        (event,) = [event for event in one.events(number) if isinstance(event, e.SignalResolved)]
        assert event.because == "Sentry was asked: it is over there, and no word of that had come."


@pytest.mark.parametrize("answer", [404, "archived"])
async def test_an_issue_that_is_gone_or_archived_bothers_nobody_any_more(
    looking: Any, server: Any, answer: Any
) -> None:
    server.answers[ISSUES] = []
    async with looking("sentry", ORGANIZATION) as one:
        await created(one, "7", 3)
        server.answers[f"{ISSUES}7/"] = issue("7", "ignored") if answer == "archived" else answer
        assert await one.look() == ["sentry ended 1", "sentry answered"]
        assert member(one, "issue:7", "sentry").status is not FIRING


async def test_the_count_of_users_is_asked_for_as_it_grows(looking: Any, server: Any) -> None:
    server.answers[ISSUES] = []
    async with looking("sentry", ORGANIZATION) as one:
        number = await created(one, "7", 3)
        server.answers[f"{ISSUES}7/"] = issue("7", users=45)
        assert await one.look() == ["sentry changed 1", "sentry answered"]
        assert one.engine.state.incidents[number].share.affected == 45
        assert await one.look() == ["sentry answered"]


async def test_a_new_issue_of_which_no_word_came_opens_an_incident(looking: Any, server: Any) -> None:
    server.answers[ISSUES] = [issue("9", users=5, firstSeen="2026-11-24T07:58:00Z")]
    server.answers[f"{ISSUES}9/"] = issue("9", users=5)
    async with looking("sentry", ORGANIZATION) as one:
        assert await one.look() == ["sentry missed 1", "sentry answered"]
        assert one.engine.state.incidents[1].title == "Error 9"
        assert notes(one, 1) == [
            "1.1: Sentry was asked: this issue is new there, and no report of it had come."
        ]
        assert await one.look() == ["sentry answered"]
        queries = [said["query"] for path, said in server.asked if path == ISSUES]
        assert queries[0] == "is:unresolved firstSeen:>2026-11-24T07:56:00"


async def test_a_new_issue_whose_report_may_still_come_is_waited_for(looking: Any, server: Any) -> None:
    server.answers[ISSUES] = [issue("9", users=5, firstSeen="2026-11-24T08:00:30Z")]
    server.answers[f"{ISSUES}9/"] = issue("9", users=5)
    async with looking("sentry", ORGANIZATION) as one:
        assert await one.look() == ["sentry answered"]
        assert await one.look() == ["sentry answered"]
        assert await one.look() == ["sentry missed 1", "sentry answered"]


CAME_BACK = "2026-11-24T07:58:00Z"


def again(number: str, at: str = CAME_BACK, kind: str = "set_regression") -> dict[str, Any]:
    """An issue as Sentry shows it after it was over and came back."""
    activity = [
        {"type": "note", "dateCreated": "2026-11-24T07:59:59Z"},
        {"type": kind, "dateCreated": at},
        {"type": "set_resolved", "dateCreated": "2026-11-20T10:00:00Z"},
    ]
    seen = {"firstSeen": "2026-01-01T00:00:00Z", "lastSeen": "2026-11-24T08:00:00Z"}
    return issue(number, users=5, substatus="regressed", activity=activity, **seen)


def listing(substatus: str, *found: dict[str, Any]) -> Callable[[dict[str, str]], Any]:
    return lambda said: list(found) if said["query"].startswith(f"is:{substatus} lastSeen:>") else []


@pytest.mark.parametrize(
    "substatus, kind",
    [("regressed", "set_regression"), ("escalating", "set_escalating"), ("escalating", "set_unresolved")],
)
async def test_an_old_issue_that_came_back_without_a_word_opens_an_incident(
    looking: Any, server: Any, substatus: str, kind: str
) -> None:
    server.answers[ISSUES] = listing(substatus, again("7", kind=kind))
    server.answers[f"{ISSUES}7/"] = again("7", kind=kind)
    async with looking("sentry", ORGANIZATION) as one:
        assert await one.look() == ["sentry missed 1", "sentry answered"]
        assert one.engine.state.incidents[1].title == "Error 7"
        (note,) = notes(one, 1)
        assert note.endswith("this issue was over and occurs again, and no report of that had come.")
        assert await one.look() == ["sentry answered"]


async def test_an_issue_that_was_resolved_here_and_came_back_reopens_its_incident(
    looking: Any, server: Any
) -> None:
    async with looking("sentry", ORGANIZATION) as one:
        server.answers[ISSUES] = []
        number = await created(one, "7", 3)
        over = {"action": "resolved", "data": {"issue": issue("7", "resolved")}}
        await one.receive("sentry", over, {"Sentry-Hook-Resource": "issue"})
        one.clock.forward(600)
        server.answers[ISSUES] = listing("regressed", again("7", "2026-11-24T08:05:00Z"))
        server.answers[f"{ISSUES}7/"] = again("7", "2026-11-24T08:05:00Z")
        assert await one.look() == ["sentry missed 1", "sentry answered"]
        assert member(one, "issue:7", "sentry").status is FIRING
        assert one.engine.state.incidents[number].firing == 1


@pytest.mark.parametrize(
    "came_back",
    ["2026-11-20T10:00:00Z", "2026-11-24T08:00:30Z", "no time"],
    ids=["before irpd was up", "so lately that its report may still come", "at no known time"],
)
async def test_what_did_not_come_back_between_two_looks_is_left_alone(
    looking: Any, server: Any, came_back: str
) -> None:
    server.answers[ISSUES] = listing("regressed", again("7", came_back))
    server.answers[f"{ISSUES}7/"] = again("7", came_back)
    async with looking("sentry", ORGANIZATION) as one:
        assert await one.look() == ["sentry answered"]
        assert not one.engine.state.incidents


async def test_a_regression_that_irpd_heard_of_and_that_is_over_since_stays_over(
    looking: Any, server: Any
) -> None:
    server.answers[ISSUES] = listing("regressed", again("7"))
    server.answers[f"{ISSUES}7/"] = again("7")
    async with looking("sentry", ORGANIZATION) as one:
        await created(one, "7", 3)
        over = {"action": "resolved", "data": {"issue": issue("7", "resolved")}}
        await one.receive("sentry", over, {"Sentry-Hook-Resource": "issue"})
        assert await one.look() == ["sentry answered"]
        assert member(one, "issue:7", "sentry").status is MemberStatus.RESOLVED


async def test_an_old_sentry_that_has_no_word_for_a_regression_is_asked_the_rest(
    looking: Any, server: Any
) -> None:
    lost = issue("9", users=5, firstSeen="2026-11-24T07:58:00Z")
    server.answers[ISSUES] = lambda said: [lost] if said["query"].startswith("is:unresolved") else 400
    server.answers[f"{ISSUES}9/"] = lost
    async with looking("sentry", ORGANIZATION) as one:
        assert await one.look() == ["sentry missed 1", "sentry answered"]
        assert one.reconciler.problems == {}


async def test_a_token_that_sentry_refuses_changes_nothing(looking: Any, server: Any) -> None:
    server.answers[ISSUES] = 401
    async with looking("sentry", ORGANIZATION) as one:
        await created(one, "7", 3)
        assert await one.look() == ["sentry failed"]
        assert one.reconciler.problems == {"sentry": "HTTP 401: no"}
        assert member(one, "issue:7", "sentry").status is FIRING
